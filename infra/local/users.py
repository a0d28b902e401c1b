"""Users of the local Cognito pool, and their tokens by the same call that clients make."""

import secrets
import string
from contextlib import suppress

import httpx

from handlers.http_api.caller import ADMIN_GROUP
from infra.local.clients import Clients

LOCAL_USER = "local"
_PASSWORD_LENGTH = 24


class SignInError(RuntimeError):
    """Cognito did not give a token; the message is its answer."""


def make_password() -> str:
    """A random password that every policy of ours accepts."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.!")
    letters = [secrets.choice(kind) for kind in kinds]
    letters += [secrets.choice("".join(kinds)) for _ in range(_PASSWORD_LENGTH - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def make_user(clients: Clients, pool_id: str, username: str, password: str) -> None:
    """A confirmed user with this password; one that is there gets it as the new password."""
    cognito = clients("cognito-idp")
    with suppress(cognito.exceptions.UsernameExistsException):
        cognito.admin_create_user(
            UserPoolId=pool_id, Username=username, TemporaryPassword=password, MessageAction="SUPPRESS"
        )
    cognito.admin_set_user_password(UserPoolId=pool_id, Username=username, Password=password, Permanent=True)


def make_admin(clients: Clients, pool_id: str, username: str) -> None:
    """Put a user into the group of administrators."""
    clients("cognito-idp").admin_add_user_to_group(UserPoolId=pool_id, Username=username, GroupName=ADMIN_GROUP)


def sign_in(url: str, client_id: str, username: str, password: str) -> str:
    """An access token. Raises ``SignInError``."""
    body = {
        "AuthFlow": "USER_PASSWORD_AUTH",
        "ClientId": client_id,
        "AuthParameters": {"USERNAME": username, "PASSWORD": password},
    }
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
    }
    with httpx.Client(trust_env=False, timeout=30.0) as http:
        answer = http.post(url, json=body, headers=headers)
    if not answer.is_success:
        raise SignInError(f"{username}: {answer.text}")
    return str(answer.json()["AuthenticationResult"]["AccessToken"])

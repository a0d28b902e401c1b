"""Users of the local Cognito pool, and their access tokens."""

import secrets
import string
from contextlib import suppress

import httpx2

from handlers.http_api.caller import ADMIN_GROUP
from infra.local.clients import Clients

LOCAL_USER = "local"
_PASSWORD_LENGTH = 24


class SignInError(RuntimeError):
    """Raised when Cognito issues no token; the message is its response."""


def make_password() -> str:
    """Return a random password that satisfies the password policies of our pools."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.!")
    letters = [secrets.choice(kind) for kind in kinds]
    letters += [secrets.choice("".join(kinds)) for _ in range(_PASSWORD_LENGTH - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def make_user(clients: Clients, pool_id: str, username: str, password: str) -> None:
    """Create a confirmed user with this password; set the password if the user exists."""
    cognito = clients("cognito-idp")
    with suppress(cognito.exceptions.UsernameExistsException):
        cognito.admin_create_user(
            UserPoolId=pool_id, Username=username, TemporaryPassword=password, MessageAction="SUPPRESS"
        )
    cognito.admin_set_user_password(UserPoolId=pool_id, Username=username, Password=password, Permanent=True)


def make_admin(clients: Clients, pool_id: str, username: str) -> None:
    """Add a user to the group of administrators."""
    clients("cognito-idp").admin_add_user_to_group(UserPoolId=pool_id, Username=username, GroupName=ADMIN_GROUP)


def sign_in(url: str, client_id: str, username: str, password: str) -> str:
    """Return an access token. Raises ``SignInError``."""
    body = {
        "AuthFlow": "USER_PASSWORD_AUTH",
        "ClientId": client_id,
        "AuthParameters": {"USERNAME": username, "PASSWORD": password},
    }
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
    }
    with httpx2.Client(trust_env=False, timeout=30.0) as http:
        response = http.post(url, json=body, headers=headers)
    if not response.is_success:
        raise SignInError(f"{username}: {response.text}")
    return str(response.json()["AuthenticationResult"]["AccessToken"])

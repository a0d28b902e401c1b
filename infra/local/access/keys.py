"""Access keys of a local stack, and their secrets.

A stack's root key has a random secret. A function's key and secret are derived from it. MiniStack derives them from the
function's name alone, so anyone who knows the name could sign as the function.
"""

import hashlib
import hmac
from typing import NamedTuple

from infra.local.access.refusals import unknown_key
from infra.local.access.signatures import SecretOf

FUNCTION_PREFIX = "ASIA"  # AWS's prefix of temporary keys


class FunctionKey(NamedTuple):
    """Credentials of a function's role."""

    access_key_id: str
    secret_access_key: str
    session_token: str

    def environment(self) -> dict[str, str]:
        """Return the credentials as environment variables of the AWS SDKs."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


def function_key(root_secret: str, function: str, role: str) -> FunctionKey:
    """Return the credentials of a function with a role (both ARNs); deterministic."""
    identity = _digest(root_secret, f"key:{function}:{role}")[:16].upper()
    return _from_id(root_secret, f"{FUNCTION_PREFIX}{identity}")


def studio_key(root_secret: str) -> str:
    """Return the key in the local studio's link, which gives access to the local user's password."""
    return _digest(root_secret, "studio")[:32]


def secrets_of(root_key: str, root_secret: str) -> SecretOf:
    """Return a lookup of the secrets of the root key and of all function keys, without the emulator."""

    def secret_of(key: str, token: str) -> str:
        if key == root_key and not token:
            return root_secret
        known = _from_id(root_secret, key)
        if not key.startswith(FUNCTION_PREFIX) or not hmac.compare_digest(token.encode(), known.session_token.encode()):
            raise unknown_key(key)
        return known.secret_access_key

    return secret_of


def _from_id(root_secret: str, key: str) -> FunctionKey:
    return FunctionKey(key, _digest(root_secret, f"secret:{key}"), _digest(root_secret, f"token:{key}"))


def _digest(root_secret: str, text: str) -> str:
    return hmac.new(root_secret.encode(), text.encode(), hashlib.sha256).hexdigest()

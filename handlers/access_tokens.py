"""Access tokens: tells them from ID tokens by their verified claims.

API Gateway's JWT authorizer and a check of ``aud`` accept both, because an ID token's audience is the client.
"""

from collections.abc import Mapping
from typing import Any

ID_TOKEN_REFUSED = "That is not an access token. Send the access token of the sign-in, not its ID token."  # noqa: S105
# OpenID Connect Core: hashes of what was issued together with an ID token.
_ID_TOKEN_CLAIMS = ("at_hash", "c_hash", "s_hash")
# RFC 9068 requires client_id; older issuers grant scopes, some in scp. An ID token has none of them.
_ACCESS_TOKEN_CLAIMS = ("client_id", "scope", "scp")


def is_access_token(claims: Mapping[str, Any]) -> bool:
    """Return True if the claims are those of an access token.

    Cognito names the use in ``token_use``. Keycloak names an ID token in ``typ``. Tokens of other issuers need
    ``client_id``, ``scope`` or ``scp``, and no claim that belongs to ID tokens alone.
    """
    if "token_use" in claims:
        return bool(claims["token_use"] == "access")  # noqa: S105 - a claim's value
    if claims.get("typ") in ("ID", "Refresh") or any(name in claims for name in _ID_TOKEN_CLAIMS):
        return False
    return any(claims.get(name) for name in _ACCESS_TOKEN_CLAIMS)

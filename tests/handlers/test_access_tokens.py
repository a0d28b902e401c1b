"""Access tokens: the HTTP API refuses ID tokens, which API Gateway's authorizer admits."""

import pytest

from tests.handlers.calls import Call

pytestmark = pytest.mark.usefixtures("environment")


@pytest.mark.parametrize(
    "claims",
    [
        {"token_use": "id", "aud": "app"},
        {"token_use": "id", "aud": "app", "client_id": "app", "scope": "openid"},
        {"aud": "app", "nonce": "n"},
        {"aud": "app", "scope": "openid", "at_hash": "h"},
        {"aud": "app", "azp": "app", "scope": "openid", "typ": "ID"},
    ],
)
def test_an_id_token_is_refused_in_words(call: Call, claims: dict[str, str]) -> None:
    """API Gateway's authorizer admits it, because its audience is the client."""
    answer = call("GET", "/jobs", token_claims=claims)
    assert "ID token" in answer.problem(401, "unauthorized")["detail"]


@pytest.mark.parametrize(
    "claims", [{"client_id": "app"}, {"aud": "app", "scope": "openid"}, {"aud": "app", "scp": "[jobs]", "nonce": "n"}]
)
def test_access_tokens_of_other_issuers_are_accepted(call: Call, claims: dict[str, str]) -> None:
    assert call("GET", "/jobs", token_claims=claims).status == 200

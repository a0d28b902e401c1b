"""Sign-in to Cognito by plain HTTP."""

import json
import time

import httpx2
import pytest

from darkroom import PasswordToken, ProblemError, UnreachableError


def tokens(*answers: httpx2.Response | httpx2.ConnectError) -> tuple[PasswordToken, list[httpx2.Request]]:
    left = list(answers)
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        first = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(first, httpx2.ConnectError):
            raise first
        return first

    transport = httpx2.MockTransport(answer)
    return PasswordToken("http://cognito.test", "app", "ann", "secret", transport=transport), seen


def granted(token: str, seconds: int = 3600) -> httpx2.Response:
    return httpx2.Response(200, json={"AuthenticationResult": {"AccessToken": token, "ExpiresIn": seconds}})


def test_sign_in_calls_cognito_once() -> None:
    source, seen = tokens(granted("first"))
    assert [source.token(), source.token()] == ["first", "first"]
    (request,) = seen
    assert request.headers["X-Amz-Target"] == "AWSCognitoIdentityProviderService.InitiateAuth"
    assert request.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert json.loads(request.content) == {
        "AuthFlow": "USER_PASSWORD_AUTH",
        "ClientId": "app",
        "AuthParameters": {"USERNAME": "ann", "PASSWORD": "secret"},
    }


def test_a_token_is_renewed_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = tokens(granted("first", 300), granted("second", 300))
    now = time.monotonic()
    assert source.token() == "first"
    monkeypatch.setattr(time, "monotonic", lambda: now + 200)
    assert source.token() == "first"
    monkeypatch.setattr(time, "monotonic", lambda: now + 290)
    assert source.token() == "second"


def test_a_rejected_token_is_replaced() -> None:
    source, _ = tokens(granted("first"), granted("second"))
    source.token()
    assert source.forget()
    assert source.token() == "second"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            httpx2.Response(400, json={"__type": "NotAuthorizedException", "message": "Incorrect password."}),
            "ann could not sign in: Incorrect password",
        ),
        (httpx2.Response(200, json={"ChallengeName": "NEW_PASSWORD_REQUIRED"}), "asks for NEW_PASSWORD_REQUIRED"),
        (httpx2.Response(502, text="<html>"), "HTTP 502"),
    ],
)
def test_a_rejected_sign_in_reports_the_reason(answer: httpx2.Response, words: str) -> None:
    source, _ = tokens(answer)
    with pytest.raises(ProblemError, match=words) as caught:
        source.token()
    assert caught.value.code == "unauthorized"
    assert "secret" not in str(caught.value)


def test_sign_in_at_an_unreachable_endpoint_raises_unreachable_error() -> None:
    source, _ = tokens(httpx2.ConnectError("refused"))
    with pytest.raises(UnreachableError, match=r"cognito\.test"):
        source.token()

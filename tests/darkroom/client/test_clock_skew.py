"""Wrong clocks: what is said when a server refuses something that is in date here, by its own time."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx2
import pytest

from darkroom import Client, DownloadError, PasswordToken, ProblemError
from darkroom.client.api import problem
from darkroom.client.cognito import CognitoPool
from darkroom.client.file_upload import MEGABYTE, upload_error
from darkroom.client.oidc import OidcIssuer
from tests.darkroom.jobs import completed

BEHIND = " This machine's clock is 23 minutes behind the server's: set it, then try again."
AHEAD = " This machine's clock is 3 hours ahead of the server's: set it, then try again."
CLOCKS = [(timedelta(minutes=23), BEHIND), (timedelta(hours=-3), AHEAD), (timedelta(minutes=-4), "")]


def at(difference: timedelta) -> datetime:
    """The time at a server whose clock differs from this machine's."""
    return datetime.now(UTC) + difference


def dated(difference: timedelta) -> dict[str, str]:
    return {"Date": format_datetime(at(difference), usegmt=True)}


def skewed(*, request: timedelta, server: timedelta, headers: dict[str, str] | None = None) -> httpx2.Response:
    """S3's answer, as its documentation words it."""
    body = (
        "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the current"
        f" time is too large.</Message><RequestTime>{at(request):%Y%m%dT%H%M%SZ}</RequestTime>"
        f"<ServerTime>{at(server):%Y-%m-%dT%H:%M:%SZ}</ServerTime>"
        "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds></Error>"
    )
    return httpx2.Response(403, content=body.encode(), headers=headers)


@pytest.mark.parametrize("difference", [timedelta(minutes=23), timedelta(hours=-3)])
def test_a_request_time_that_s3_refuses_tells_this_machines_difference(difference: timedelta) -> None:
    error = upload_error(skewed(request=timedelta(0), server=difference), MEGABYTE)
    assert error.code == "clock_skew"
    assert error.message == f"The storage refuses the time of the request.{dict(CLOCKS)[difference]}"


def test_a_request_time_of_another_machine_tells_the_difference_of_that() -> None:
    error = upload_error(skewed(request=timedelta(minutes=-40), server=timedelta(0)), MEGABYTE)
    assert error.code == "clock_skew"
    assert "a clock that is 40 minutes behind the storage's: that of the service is wrong." in error.message


def test_a_refused_request_time_without_times_is_a_wrong_clock_all_the_same() -> None:
    response = httpx2.Response(403, content=b"<Error><Code>RequestTimeTooSkewed</Code></Error>")
    assert upload_error(response, MEGABYTE).code == "clock_skew"
    response = httpx2.Response(403, content=response.content, headers=dated(timedelta(minutes=23)))
    assert upload_error(response, MEGABYTE).message.endswith(BEHIND)


@pytest.mark.parametrize(("difference", "hint"), CLOCKS)
def test_an_expired_policy_tells_of_a_wrong_clock(difference: timedelta, hint: str) -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>"
    error = upload_error(httpx2.Response(403, content=body, headers=dated(difference)), MEGABYTE)
    assert error.code == "upload_expired"
    assert error.message == f"The time to upload is over; ask for new uploads.{hint}"


@pytest.mark.parametrize(("difference", "hint"), CLOCKS)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_the_gateway_tells_of_a_wrong_clock(status: int, difference: timedelta, hint: str) -> None:
    error = problem(httpx2.Response(status, json={"message": "Unauthorized"}, headers=dated(difference)))
    assert error.message == (f"Unauthorized.{hint}" if hint else "Unauthorized")


def test_other_problems_and_odd_dates_say_nothing_of_clocks() -> None:
    missing = {"code": "not_found", "title": "Not found", "detail": "There is no such job."}
    assert problem(httpx2.Response(404, json=missing, headers=dated(timedelta(days=1)))).message == missing["detail"]
    for date in ("", "yesterday", "Tue, 99 Foo 2026 25:61:61 GMT"):
        refused = problem(httpx2.Response(401, json={"message": "Unauthorized"}, headers={"Date": date}))
        assert refused.message == "Unauthorized"


def test_a_refused_sign_in_tells_of_a_wrong_clock() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(400, json={"message": "No.", "error": "no"}, headers=dated(timedelta(minutes=23)))

    transport = httpx2.MockTransport(refuse)
    for sign_in in (
        lambda: PasswordToken("https://cognito.example", "app", "ann", "secret", transport=transport).token(),
        lambda: CognitoPool("https://cognito.example", "app", transport).sign_in("ann", "secret"),
        lambda: OidcIssuer.discover("https://issuer.example", "app", transport=transport),
    ):
        with pytest.raises(ProblemError) as raised:
            sign_in()
        assert raised.value.message.endswith(BEHIND)


@pytest.mark.parametrize(("difference", "hint"), CLOCKS)
def test_a_refused_link_tells_of_a_wrong_clock(tmp_path: Path, difference: timedelta, hint: str) -> None:
    job = completed(4, "https://storage.example/result.jpg")
    service = httpx2.MockTransport(lambda _: httpx2.Response(200, content=job.model_dump_json()))
    storage = httpx2.MockTransport(lambda _: httpx2.Response(403, headers=dated(difference)))
    client = Client("https://service.example", "token", transport=service, storage_transport=storage)
    with client, pytest.raises(DownloadError) as raised:
        client.download(job, tmp_path / "out.jpg")
    assert raised.value.code == ("clock_skew" if hint else "forbidden")
    assert raised.value.message == f"The storage refuses the link to the result.{hint}"

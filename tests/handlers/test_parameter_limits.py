"""Limits of parameters of the HTTP API: the last accepted value and the first rejected one, and what defaults are."""

from typing import Any

import pytest

from handlers.http_api.cursor import encode
from tests.handlers.calls import Call

pytestmark = pytest.mark.usefixtures("environment")
UPSCALE: Any = {"kind": "upscale", "uploads": {"photo": {"content_type": "image/jpeg"}}}
ASSET: Any = {"upload": {"content_type": "image/jpeg"}}


@pytest.mark.parametrize("path", ["/jobs", "/assets"])
def test_a_page_has_one_to_a_hundred_items(call: Call, path: str) -> None:
    for limit in (1, 100):
        assert call("GET", path, query={"limit": limit}).status == 200
    for limit in (0, 101):
        call("GET", path, query={"limit": limit}).problem(422, "invalid_request")


@pytest.mark.parametrize(("path", "body", "list_name"), [("/jobs", UPSCALE, "jobs"), ("/assets", ASSET, "assets")])
def test_a_page_has_twenty_items_unless_asked_otherwise(
    call: Call, monkeypatch: pytest.MonkeyPatch, path: str, body: Any, list_name: str
) -> None:
    monkeypatch.setenv("RATE_LIMITS", '{"upscale": "100/60", "assets": "100/60"}')
    for _ in range(21):
        assert call("POST", path, body).status == 201
    first = call("GET", path).body
    assert len(first[list_name]) == 20
    rest = call("GET", path, query={"cursor": first["cursor"]}).body
    assert (len(rest[list_name]), rest["cursor"]) == (1, None)


@pytest.mark.parametrize(("path", "body"), [("/jobs", UPSCALE), ("/assets", ASSET)])
def test_an_idempotency_key_has_up_to_255_printable_characters(call: Call, path: str, body: Any) -> None:
    for key in ("~", "k" * 255):
        assert call("POST", path, body, headers={"Idempotency-Key": key}).status == 201
        again = call("POST", path, body, headers={"Idempotency-Key": key})
        assert again.status == 200
    for key in ("", "k" * 256, "tab\t", "é"):
        call("POST", path, body, headers={"Idempotency-Key": key}).problem(422, "invalid_request")


@pytest.mark.parametrize("path", ["/jobs", "/assets"])
def test_a_cursor_that_was_not_given_out_is_rejected(call: Call, path: str) -> None:
    given = encode(("2026-01-01T00:00:00.000000+00:00", "0" * 32))
    assert given is not None
    assert call("GET", path, query={"cursor": given}).status == 200
    for cursor in ("nonsense", "a" * 401, f"{given}!", f"!{given}", given[:-1]):
        call("GET", path, query={"cursor": cursor}).problem(422, "invalid_request")


def test_the_age_of_cached_results_is_up_to_ten_years(call: Call) -> None:
    for days in (0, 3650):
        assert call("DELETE", "/cache", query={"max_age_days": days}, scope="darkroom/admin").status == 200
    for wrong in (-1, 3651, "nan", "inf"):
        refused = call("DELETE", "/cache", query={"max_age_days": wrong}, scope="darkroom/admin")
        refused.problem(422, "invalid_request")

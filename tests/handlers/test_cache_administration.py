"""The result cache as its administrator sees and clears it."""

import time

import pytest

from tests.handlers.studio import Studio
from tests.handlers.uploads import picture

PHOTO, OTHER = picture(colour="teal"), picture(colour="navy")


def test_an_administrator_sees_what_it_saves(studio: Studio) -> None:
    assert studio.stats()["hit_rate"] is None
    studio.done(PHOTO)
    for _ in range(2):
        studio.job(PHOTO)
    studio.job(OTHER)
    stats = studio.stats()
    assert (stats["hits"], stats["misses"], stats["stores"], stats["hit_rate"]) == (2, 2, 1, 0.5)
    assert stats["saved_usd"] == pytest.approx(2 * 0.007364)
    assert stats["saved_seconds"] == 72
    (day,) = stats["days"]
    assert (day["hits"], day["date"]) == (2, time.strftime("%Y-%m-%d", time.gmtime()))


@pytest.mark.parametrize(("method", "path"), [("GET", "/cache/stats"), ("DELETE", "/cache")])
def test_nobody_else_looks_after_it(studio: Studio, method: str, path: str) -> None:
    studio.call(method, path).problem(403, "forbidden")
    studio.call(method, path, owner=None).problem(401, "unauthorized")


def test_clearing_is_for_everything_made_before(studio: Studio) -> None:
    studio.done(PHOTO)
    answer = studio.call("DELETE", "/cache", scope="darkroom/admin")
    assert (answer.status, answer.body["moved"]) == (200, True)
    assert not studio.job(PHOTO).cached
    assert studio.stats()["valid_from"] == answer.body["valid_from"]
    studio.done(PHOTO, cache=False)
    assert studio.job(PHOTO).cached


def test_clearing_what_is_old_leaves_what_is_new(studio: Studio) -> None:
    studio.done(PHOTO)
    first = studio.call("DELETE", "/cache", query={"max_age_days": 1}, scope="darkroom/admin").body
    assert studio.job(PHOTO).cached
    again = studio.call("DELETE", "/cache", query={"max_age_days": 2}, scope="darkroom/admin").body
    assert (first["moved"], again["moved"]) == (True, False)
    assert again["valid_from"] == first["valid_from"]
    for wrong in (-1, "nan", "many"):
        studio.call("DELETE", "/cache", query={"max_age_days": wrong}, scope="darkroom/admin").problem(
            422, "invalid_request"
        )

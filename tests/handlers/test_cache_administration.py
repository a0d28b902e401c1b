"""Result cache routes for administrators: statistics and clearing."""

import time

import pytest

from tests.handlers.job_driver import JobDriver
from tests.handlers.uploads import picture

PHOTO, OTHER = picture(colour="teal"), picture(colour="navy")


def test_an_administrator_sees_hits_misses_and_savings(driver: JobDriver) -> None:
    assert driver.stats()["hit_rate"] is None
    driver.run_to_completion(PHOTO)
    for _ in range(2):
        driver.create(PHOTO)
    driver.run(driver.upload(driver.create(OTHER), OTHER))
    driver.run_to_completion(OTHER, cache=False)
    driver.create(b"a miss that is not counted yet")
    stats = driver.stats()
    assert (stats["hits"], stats["misses"], stats["stores"], stats["hit_rate"]) == (2, 2, 3, 0.5)
    assert stats["saved_usd"] == pytest.approx(2 * 0.007364)
    assert stats["saved_seconds"] == 72
    (day,) = stats["days"]
    assert (day["hits"], day["date"]) == (2, time.strftime("%Y-%m-%d", time.gmtime()))


@pytest.mark.parametrize(("method", "path"), [("GET", "/cache/stats"), ("DELETE", "/cache")])
def test_only_administrators_manage_the_cache(driver: JobDriver, method: str, path: str) -> None:
    driver.call(method, path).problem(403, "forbidden")
    driver.call(method, path, owner=None).problem(401, "unauthorized")


def test_clearing_invalidates_every_earlier_result(driver: JobDriver) -> None:
    driver.run_to_completion(PHOTO)
    answer = driver.call("DELETE", "/cache", scope="darkroom/admin")
    assert (answer.status, answer.body["moved"]) == (200, True)
    assert not driver.create(PHOTO).cached
    assert driver.stats()["valid_from"] == answer.body["valid_from"]
    driver.run_to_completion(PHOTO, cache=False)
    assert driver.create(PHOTO).cached


def test_clearing_old_results_keeps_new_ones(driver: JobDriver) -> None:
    driver.run_to_completion(PHOTO)
    first = driver.call("DELETE", "/cache", query={"max_age_days": 1}, scope="darkroom/admin").body
    assert driver.create(PHOTO).cached
    again = driver.call("DELETE", "/cache", query={"max_age_days": 2}, scope="darkroom/admin").body
    assert (first["moved"], again["moved"]) == (True, False)
    assert again["valid_from"] == first["valid_from"]
    for wrong in (-1, "nan", "many"):
        driver.call("DELETE", "/cache", query={"max_age_days": wrong}, scope="darkroom/admin").problem(
            422, "invalid_request"
        )

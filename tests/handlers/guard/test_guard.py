"""Spend guard: a day's GPU cost is counted once and reported; the endpoint stops at its limit."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud import clients
from handlers import guard
from handlers.endpoint.gpu_spend import MAX_CHARGED_GAP_SECONDS, GpuSpendStore
from tests.handlers.conftest import SOCKETS
from tests.handlers.gpu_endpoint import DEPLOYMENT, MINUTES, NOON, PRICE, VARIANT, Endpoint, metrics

pytestmark = pytest.mark.usefixtures("sockets_table")


@pytest.fixture
def spend_usd(check: Callable[[datetime], None]) -> Callable[[], float]:
    """Returns the stored spend of the day in USD."""

    def read() -> float:
        spend = GpuSpendStore(SOCKETS, DEPLOYMENT, clients.dynamodb()).get()
        assert spend is not None
        return round(spend.usd, 6)

    return read


def test_instances_cost_their_running_time(
    endpoint: Endpoint, check: Any, spend_usd: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.deploy(1)
    for minutes in (0, 5, 10):
        check(NOON + minutes * MINUTES)
    endpoint.scale(2)
    check(NOON + 15 * MINUTES)
    assert spend_usd() == 4.0  # nobody saw when the second one came
    endpoint.scale(0)
    check(NOON + 20 * MINUTES)
    check(NOON + 25 * MINUTES)
    assert spend_usd() == 6.0
    assert metrics(capsys.readouterr().out) == [1.0, 2.0, 4.0, 6.0, 6.0]


def test_an_idle_endpoint_costs_nothing_and_sends_no_metric(
    endpoint: Endpoint, check: Any, spend_usd: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.deploy(0)
    check(NOON)
    check(NOON + 5 * MINUTES)
    assert spend_usd() == 0.0
    assert metrics(capsys.readouterr().out) == []


def test_instances_of_a_pending_deployment_are_counted(
    endpoint: Endpoint, check: Any, spend_usd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {
        "ProductionVariants": [{"VariantName": VARIANT, "CurrentInstanceCount": 1}],
        "PendingDeploymentSummary": {"ProductionVariants": [{"VariantName": VARIANT, "CurrentInstanceCount": 2}]},
    }
    monkeypatch.setattr(guard._guard()._sagemaker, "describe_endpoint", lambda **_: answer)
    check(NOON)
    check(NOON + 5 * MINUTES)
    assert spend_usd() == 3.0


def test_a_duplicate_check_counts_once(endpoint: Endpoint, check: Any, spend_usd: Any) -> None:
    endpoint.deploy(1)
    for minutes in (0, 5, 5, 10, 10):
        check(NOON + minutes * MINUTES)
    assert spend_usd() == 2.0


def test_checks_out_of_order_count_once(endpoint: Endpoint, check: Any, spend_usd: Any) -> None:
    endpoint.deploy(1)
    for minutes in (0, 10, 5, 12, 10, 15):
        check(NOON + minutes * MINUTES)
    assert spend_usd() == 3.0


def test_two_concurrent_checks_count_once(
    endpoint: Endpoint, check: Any, spend_usd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.deploy(1)
    check(NOON)
    replace = GpuSpendStore.replace

    def interrupted(self: GpuSpendStore, *spends: Any) -> bool:
        monkeypatch.setattr(GpuSpendStore, "replace", replace)
        check(NOON + 5 * MINUTES)  # between the other's read and its write
        return replace(self, *spends)

    monkeypatch.setattr(GpuSpendStore, "replace", interrupted)
    check(NOON + 5 * MINUTES + timedelta(seconds=1))
    assert spend_usd() == 1.0


def test_a_period_over_midnight_is_split_between_two_days(
    endpoint: Endpoint, check: Any, spend_usd: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.deploy(1)
    midnight = NOON + timedelta(hours=12)
    for minutes in (-7, -2, 3):
        check(midnight + minutes * MINUTES)
    assert spend_usd() == 0.6
    assert metrics(capsys.readouterr().out) == [1.0, 0.6]


def test_days_without_a_check_are_not_charged(endpoint: Endpoint, check: Any, spend_usd: Any) -> None:
    endpoint.deploy(1)
    check(NOON)
    check(NOON + timedelta(days=3, hours=-11, minutes=-40))
    assert spend_usd() == pytest.approx(20 / 5)


def test_only_the_end_of_a_long_gap_is_charged(endpoint: Endpoint, check: Any, spend_usd: Any) -> None:
    endpoint.deploy(0)
    check(NOON - timedelta(hours=9))
    endpoint.scale(1)
    check(NOON)
    assert spend_usd() == PRICE * MAX_CHARGED_GAP_SECONDS / 3600


def test_the_endpoint_is_stopped_at_the_daily_limit(endpoint: Endpoint, check: Any, spend_usd: Any) -> None:
    endpoint.deploy(2)
    check(NOON)
    check(NOON + 20 * MINUTES)
    assert (spend_usd(), endpoint.limits) == (8.0, (0, 4))
    check(NOON + 25 * MINUTES)
    assert (spend_usd(), endpoint.limits) == (10.0, (0, 0))


def test_a_stop_outlasts_a_deployment_on_the_same_day(endpoint: Endpoint, check: Any) -> None:
    endpoint.deploy(4)
    check(NOON)
    check(NOON + 20 * MINUTES)
    endpoint.scale(0)
    endpoint.limit(6)
    check(NOON + 25 * MINUTES)
    assert endpoint.limits == (0, 0)


def test_the_next_day_restores_the_configured_maximum(
    endpoint: Endpoint, check: Any, spend_usd: Any, environment: pytest.MonkeyPatch
) -> None:
    endpoint.deploy(4)
    check(NOON)
    check(NOON + 20 * MINUTES)
    endpoint.scale(0)
    check(NOON + 11.9 * timedelta(hours=1))
    assert endpoint.limits == (0, 0)
    environment.setenv("MAX_INSTANCES", "6")
    guard._guard.cache_clear()
    check(NOON + 12.1 * timedelta(hours=1))
    assert (spend_usd(), endpoint.limits) == (0.0, (0, 6))


def test_after_a_restart_the_capacity_is_not_changed_again(endpoint: Endpoint, check: Any) -> None:
    endpoint.deploy(4)
    check(NOON)
    check(NOON + 20 * MINUTES)
    endpoint.scale(0)
    check(NOON + 25 * MINUTES)
    check(NOON + timedelta(hours=13))
    assert endpoint.limits == (0, 4)
    endpoint.limit(1)
    check(NOON + timedelta(hours=14))
    assert endpoint.limits == (0, 1)


def test_a_higher_limit_ends_the_stop_at_the_next_check(
    endpoint: Endpoint, check: Any, environment: pytest.MonkeyPatch
) -> None:
    endpoint.deploy(4)
    check(NOON)
    check(NOON + 20 * MINUTES)
    environment.setenv("STOP_USD", "1000")
    guard._guard.cache_clear()
    check(NOON + 25 * MINUTES)
    assert endpoint.limits == (0, 4)


@pytest.mark.parametrize("later", [timedelta(minutes=25), timedelta(hours=13)])
def test_a_rejected_capacity_change_is_retried(
    endpoint: Endpoint, check: Any, monkeypatch: pytest.MonkeyPatch, later: timedelta
) -> None:
    endpoint.deploy(4)
    check(NOON)
    refused = ClientError({"Error": {"Code": "ConcurrentUpdateException", "Message": "busy"}}, "RegisterScalableTarget")

    def refuse(**_: Any) -> None:
        raise refused

    if later > timedelta(hours=12):  # the stop goes well, the restart does not
        check(NOON + 20 * MINUTES)
        endpoint.scale(0)
        check(NOON + 25 * MINUTES)
    with monkeypatch.context() as patch, pytest.raises(ClientError, match="busy"):
        patch.setattr(guard._guard()._scaling, "register_scalable_target", refuse)
        check(NOON + later)
    check(NOON + later + MINUTES)
    assert endpoint.limits == ((0, 4) if later > timedelta(hours=12) else (0, 0))


def test_an_endpoint_of_another_instance_type_has_what_is_left_of_the_days_limit(
    endpoint: Endpoint, check: Any, spend_usd: Any, environment: pytest.MonkeyPatch
) -> None:
    endpoint.deploy(1)
    check(NOON)
    check(NOON + 20 * MINUTES)
    environment.setenv("ENDPOINT_NAME", "darkroom-test-g5-xlarge")
    guard._guard.cache_clear()
    check(NOON + 20.5 * MINUTES)
    assert spend_usd() == pytest.approx(4.1)


def test_an_endpoint_that_does_not_exist_costs_nothing(check: Any, spend_usd: Any) -> None:
    check(NOON)
    check(NOON + 5 * MINUTES)
    assert spend_usd() == 0.0


def test_a_deleted_endpoint_is_neither_stopped_nor_restarted(endpoint: Endpoint, check: Any, spend_usd: Any) -> None:
    endpoint.deploy(4)
    check(NOON)
    endpoint.delete()
    check(NOON + 20 * MINUTES)
    check(NOON + timedelta(hours=13))
    assert (spend_usd(), endpoint.limits) == (0.0, (0, 4))


def test_a_failed_check_is_an_error_and_its_time_is_counted_later(
    endpoint: Endpoint, check: Any, spend_usd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.deploy(1)
    check(NOON)
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeEndpoint")

    def refuse(**_: Any) -> None:
        raise denied

    with monkeypatch.context() as patch, pytest.raises(ClientError):
        patch.setattr(guard._guard()._sagemaker, "describe_endpoint", refuse)
        check(NOON + 5 * MINUTES)
    check(NOON + 10 * MINUTES)
    assert spend_usd() == 2.0


def test_the_spend_item_is_in_no_index_of_the_sockets_table(endpoint: Endpoint, check: Any) -> None:
    endpoint.deploy(1)
    check(NOON)
    scan: Any = clients.dynamodb().scan
    assert [scan(TableName=SOCKETS, IndexName=index)["Items"] for index in ("by_connection", "due")] == [[], []]

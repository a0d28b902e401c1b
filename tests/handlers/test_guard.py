"""Cost guard: a day's GPU spend is counted once, reported, and stopped at the agreed limit."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud import clients
from handlers import guard
from handlers.endpoint.gpu_spend import MAX_CHARGED_GAP_SECONDS, GpuSpendStore
from tests.handlers.conftest import SOCKETS
from tests.handlers.endpoint import ENDPOINT, VARIANT, Endpoint

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
MINUTES = timedelta(minutes=1)
PRICE = 12.0  # an hour: a dollar every five minutes for each instance
pytestmark = pytest.mark.usefixtures("subscriptions")


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """What the stack writes into the function's environment; change it, and the function is a new one."""
    values = {
        "SOCKETS_TABLE": SOCKETS,
        "ENDPOINT_NAME": ENDPOINT,
        "VARIANT_NAME": VARIANT,
        "MAX_INSTANCES": "4",
        "INSTANCE_USD_PER_HOUR": str(PRICE),
        "STOP_USD": "10",
        "POWERTOOLS_SERVICE_NAME": "guard",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    guard._guard.cache_clear()
    yield monkeypatch
    guard._guard.cache_clear()


@pytest.fixture
def look(environment: pytest.MonkeyPatch, context: Any) -> Callable[[datetime], None]:
    """The schedule fires at a moment."""

    def fire(moment: datetime) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("handlers.guard.time.time", moment.timestamp)
            guard.handler({"source": "aws.events"}, context)

    return fire


@pytest.fixture
def spent(look: Callable[[datetime], None]) -> Callable[[], float]:
    """Today's spend as it is kept."""

    def read() -> float:
        spend = GpuSpendStore(SOCKETS, ENDPOINT, clients.dynamodb()).get()
        assert spend is not None
        return round(spend.usd, 6)

    return read


def metrics(printed: str) -> list[float]:
    """The spends told to CloudWatch, in order."""
    lines = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
    return [round(line["GpuSpendToday"][0], 6) for line in lines if "GpuSpendToday" in line]


def test_instances_cost_their_time(
    endpoint: Endpoint, look: Any, spent: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.deploy(1)
    for minutes in (0, 5, 10):
        look(NOON + minutes * MINUTES)
    endpoint.scale(2)
    look(NOON + 15 * MINUTES)
    assert spent() == 4.0  # nobody saw when the second one came
    endpoint.scale(0)
    look(NOON + 20 * MINUTES)
    look(NOON + 25 * MINUTES)
    assert spent() == 6.0
    assert metrics(capsys.readouterr().out) == [1.0, 2.0, 4.0, 6.0, 6.0]


def test_an_endpoint_that_rests_costs_nothing_and_tells_nothing(
    endpoint: Endpoint, look: Any, spent: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.deploy(0)
    look(NOON)
    look(NOON + 5 * MINUTES)
    assert spent() == 0.0
    assert metrics(capsys.readouterr().out) == []


def test_instances_of_a_deployment_under_way_cost_too(
    endpoint: Endpoint, look: Any, spent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {
        "ProductionVariants": [{"VariantName": VARIANT, "CurrentInstanceCount": 1}],
        "PendingDeploymentSummary": {"ProductionVariants": [{"VariantName": VARIANT, "CurrentInstanceCount": 2}]},
    }
    monkeypatch.setattr(guard._guard()._sagemaker, "describe_endpoint", lambda **_: answer)
    look(NOON)
    look(NOON + 5 * MINUTES)
    assert spent() == 3.0


def test_a_look_that_comes_twice_counts_once(endpoint: Endpoint, look: Any, spent: Any) -> None:
    endpoint.deploy(1)
    for minutes in (0, 5, 5, 10, 10):
        look(NOON + minutes * MINUTES)
    assert spent() == 2.0


def test_looks_that_come_late_or_out_of_order_count_once(endpoint: Endpoint, look: Any, spent: Any) -> None:
    endpoint.deploy(1)
    for minutes in (0, 10, 5, 12, 10, 15):
        look(NOON + minutes * MINUTES)
    assert spent() == 3.0


def test_two_looks_at_once_count_once(
    endpoint: Endpoint, look: Any, spent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.deploy(1)
    look(NOON)
    replace = GpuSpendStore.replace

    def interrupted(self: GpuSpendStore, *spends: Any) -> bool:
        monkeypatch.setattr(GpuSpendStore, "replace", replace)
        look(NOON + 5 * MINUTES)  # between the other's read and its write
        return replace(self, *spends)

    monkeypatch.setattr(GpuSpendStore, "replace", interrupted)
    look(NOON + 5 * MINUTES + timedelta(seconds=1))
    assert spent() == 1.0


def test_midnight_divides_a_stretch_between_two_days(
    endpoint: Endpoint, look: Any, spent: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.deploy(1)
    midnight = NOON + timedelta(hours=12)
    for minutes in (-7, -2, 3):
        look(midnight + minutes * MINUTES)
    assert spent() == 0.6
    assert metrics(capsys.readouterr().out) == [1.0, 0.6]


def test_days_without_a_look_are_no_ones_spend(endpoint: Endpoint, look: Any, spent: Any) -> None:
    endpoint.deploy(1)
    look(NOON)
    look(NOON + timedelta(days=3, hours=-11, minutes=-40))
    assert spent() == pytest.approx(20 / 5)


def test_of_a_long_silence_only_the_end_is_counted(endpoint: Endpoint, look: Any, spent: Any) -> None:
    endpoint.deploy(0)
    look(NOON - timedelta(hours=9))
    endpoint.scale(1)
    look(NOON)
    assert spent() == PRICE * MAX_CHARGED_GAP_SECONDS / 3600


def test_no_instance_may_run_once_the_day_is_too_expensive(endpoint: Endpoint, look: Any, spent: Any) -> None:
    endpoint.deploy(2)
    look(NOON)
    look(NOON + 20 * MINUTES)
    assert (spent(), endpoint.limits) == (8.0, (0, 4))
    look(NOON + 25 * MINUTES)
    assert (spent(), endpoint.limits) == (10.0, (0, 0))


def test_a_stop_outlasts_a_deployment_on_the_same_day(endpoint: Endpoint, look: Any) -> None:
    endpoint.deploy(4)
    look(NOON)
    look(NOON + 20 * MINUTES)
    endpoint.scale(0)
    endpoint.limit(6)
    look(NOON + 25 * MINUTES)
    assert endpoint.limits == (0, 0)


def test_on_the_next_day_as_many_may_run_as_are_configured_by_then(
    endpoint: Endpoint, look: Any, spent: Any, environment: pytest.MonkeyPatch
) -> None:
    endpoint.deploy(4)
    look(NOON)
    look(NOON + 20 * MINUTES)
    endpoint.scale(0)
    look(NOON + 11.9 * timedelta(hours=1))
    assert endpoint.limits == (0, 0)
    environment.setenv("MAX_INSTANCES", "6")
    guard._guard.cache_clear()
    look(NOON + 12.1 * timedelta(hours=1))
    assert (spent(), endpoint.limits) == (0.0, (0, 6))


def test_once_restarted_the_limits_are_left_to_the_operator(endpoint: Endpoint, look: Any) -> None:
    endpoint.deploy(4)
    look(NOON)
    look(NOON + 20 * MINUTES)
    endpoint.scale(0)
    look(NOON + 25 * MINUTES)
    look(NOON + timedelta(hours=13))
    assert endpoint.limits == (0, 4)
    endpoint.limit(1)
    look(NOON + timedelta(hours=14))
    assert endpoint.limits == (0, 1)


def test_a_higher_limit_ends_the_stop_at_once(endpoint: Endpoint, look: Any, environment: pytest.MonkeyPatch) -> None:
    endpoint.deploy(4)
    look(NOON)
    look(NOON + 20 * MINUTES)
    environment.setenv("STOP_USD", "1000")
    guard._guard.cache_clear()
    look(NOON + 25 * MINUTES)
    assert endpoint.limits == (0, 4)


@pytest.mark.parametrize("later", [timedelta(minutes=25), timedelta(hours=13)])
def test_what_was_refused_is_tried_again(
    endpoint: Endpoint, look: Any, monkeypatch: pytest.MonkeyPatch, later: timedelta
) -> None:
    endpoint.deploy(4)
    look(NOON)
    refused = ClientError({"Error": {"Code": "ConcurrentUpdateException", "Message": "busy"}}, "RegisterScalableTarget")

    def refuse(**_: Any) -> None:
        raise refused

    if later > timedelta(hours=12):  # the stop goes well, the restart does not
        look(NOON + 20 * MINUTES)
        endpoint.scale(0)
        look(NOON + 25 * MINUTES)
    with monkeypatch.context() as patch, pytest.raises(ClientError, match="busy"):
        patch.setattr(guard._guard()._scaling, "register_scalable_target", refuse)
        look(NOON + later)
    look(NOON + later + MINUTES)
    assert endpoint.limits == ((0, 4) if later > timedelta(hours=12) else (0, 0))


def test_an_endpoint_that_was_never_deployed_costs_nothing(look: Any, spent: Any) -> None:
    look(NOON)
    look(NOON + 5 * MINUTES)
    assert spent() == 0.0


def test_an_endpoint_that_is_gone_is_neither_stopped_nor_restarted(endpoint: Endpoint, look: Any, spent: Any) -> None:
    endpoint.deploy(4)
    look(NOON)
    endpoint.delete()
    look(NOON + 20 * MINUTES)
    look(NOON + timedelta(hours=13))
    assert (spent(), endpoint.limits) == (0.0, (0, 4))


def test_an_endpoint_that_cannot_be_asked_is_an_error_and_counted_later(
    endpoint: Endpoint, look: Any, spent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.deploy(1)
    look(NOON)
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeEndpoint")

    def refuse(**_: Any) -> None:
        raise denied

    with monkeypatch.context() as patch, pytest.raises(ClientError):
        patch.setattr(guard._guard()._sagemaker, "describe_endpoint", refuse)
        look(NOON + 5 * MINUTES)
    look(NOON + 10 * MINUTES)
    assert spent() == 2.0


def test_the_row_shows_in_no_index_of_the_sockets_table(endpoint: Endpoint, look: Any) -> None:
    endpoint.deploy(1)
    look(NOON)
    client: Any = clients.dynamodb()
    for index in ("by_connection", "due"):
        assert client.scan(TableName=SOCKETS, IndexName=index)["Items"] == []

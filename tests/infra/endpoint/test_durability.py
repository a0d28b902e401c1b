"""The endpoint's queue: what was accepted survives the end of its process, and an emulator that is away."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.endpoint import invocation_store
from infra.local.endpoint.invocation import EndpointInvocation
from tests.infra.endpoint.fakes import WAIT, FakeAws, FakeInstance, Machine
from tests.infra.endpoint.stack import BUCKET


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def machine(tmp_path: Path, aws: FakeAws) -> Callable[..., Any]:
    """Runs one process after another on the same folder. With no ``instances``, invocations wait."""

    @contextmanager
    def run(*, hangs: bool = False, instances: int = 1) -> Iterator[Machine]:
        made = Machine(tmp_path / "invocations", aws, hangs=hangs, instances=instances)
        made.endpoint.resume()
        try:
            yield made
        finally:
            made.endpoint.close()

    return run


def left(folder: Path) -> int:
    return len(list((folder / "invocations").iterdir()))


def test_waiting_invocations_are_taken_up_again_in_their_order(machine: Any, aws: FakeAws) -> None:
    with machine(instances=0) as first:
        first.submit("a", "b", "c")
    assert aws.published.empty()
    with machine():
        assert sorted(aws.notice() for _ in range(3)) == [("a", ""), ("b", ""), ("c", "")]
    assert aws.objects == {f"s3://{BUCKET}/outcomes/{name}.out": f"s3://{BUCKET}/{name}".encode() for name in "abc"}


def test_a_body_that_waits_is_kept_for_the_next_process(machine: Any, aws: FakeAws) -> None:
    body = bytes(range(256))
    with machine(instances=0) as first:
        first.endpoint.submit(EndpointInvocation("pictures-gpu", "inline", body=body))
    with machine() as second:
        assert second.instance.invoked.get(timeout=WAIT) == body


def test_what_waited_in_an_ended_process_expires_when_its_ttl_is_over(machine: Any, aws: FakeAws) -> None:
    with machine(instances=0) as first:
        first.submit("late", received=datetime.now(UTC) - timedelta(hours=2), ttl=3600)
        aws.tries.get(timeout=WAIT)
        first.submit("in time", received=datetime.now(UTC) - timedelta(hours=2), ttl=3 * 3600)
        name, reason = aws.notice()
        assert (name, "expired" in reason) == ("late", True)
    with machine():
        notices = {aws.notice() for _ in range(2)}
    assert ("in time", "") in notices
    assert {name for name, _ in notices} == {"late", "in time"}


def test_an_invocation_that_an_instance_had_is_answered_as_lost(machine: Any, aws: FakeAws, tmp_path: Path) -> None:
    with machine(hangs=True) as killed:
        killed.submit("running")
        killed.instance.invoked.get(timeout=WAIT)
        # As kill -9 leaves it: the files of this moment.
        files = {path: path.read_bytes() for path in (tmp_path / "invocations").iterdir()}
    name, _ = aws.notice()
    assert name == "running"
    for path, content in files.items():
        path.write_bytes(content)
    with machine() as next_one:
        name, reason = aws.notice()
        assert (name, "connection" in reason) == ("running", True)
        assert next_one.instance.invoked.empty()


def test_an_answer_is_delivered_once_the_emulator_responds(machine: Any, aws: FakeAws) -> None:
    with machine() as running:
        aws.away = True
        running.submit("patient")
        for _ in range(3):
            assert aws.tries.get(timeout=WAIT) == "read"
        aws.away = False
        assert aws.notice() == ("patient", "")


def test_an_answer_that_the_emulator_did_not_take_is_delivered_by_the_next_process(
    machine: Any, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = FakeInstance.invoke

    def invoke(instance: FakeInstance, body: bytes, headers: Any, *, seconds: float) -> tuple[int, bytes, str]:
        aws.away = True
        return take(instance, body, headers, seconds=seconds)

    monkeypatch.setattr(FakeInstance, "invoke", invoke)
    with machine() as first:
        first.submit("kept")
        assert [aws.tries.get(timeout=WAIT) for _ in range(3)] == ["read", "write", "write"]
    assert aws.published.empty()
    aws.away = False
    with machine() as second:
        assert aws.notice() == ("kept", "")
        assert second.instance.invoked.empty()
    assert aws.objects == {f"s3://{BUCKET}/outcomes/kept.out": f"s3://{BUCKET}/kept".encode()}


def test_a_rejected_answer_is_delivered_by_the_next_process(
    machine: Any, aws: FakeAws, caplog: pytest.LogCaptureFixture
) -> None:
    aws.rejects = True
    with machine() as first:
        first.submit("kept")
        assert [aws.tries.get(timeout=WAIT) for _ in range(2)] == ["read", "write"]
    assert "NoSuchBucket" in caplog.text
    aws.rejects = False
    with machine():
        assert aws.notice() == ("kept", "")


def test_an_unexpected_error_fails_the_invocation(
    machine: Any, aws: FakeAws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FakeInstance, "invoke", lambda *_, **__: 1 / 0)
    with machine() as running:
        running.submit("odd")
        name, reason = aws.notice()
    assert (name, "InternalServerError" in reason) == ("odd", True)
    assert "ZeroDivisionError" in caplog.text


def test_a_full_disk_stops_no_invocation_that_was_accepted(
    machine: Any, aws: FakeAws, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with machine(instances=0) as first:
        first.submit("accepted")

    def fail(_path: Path, _text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(invocation_store, "write_private", fail)
    with machine() as second:
        assert aws.notice() == ("accepted", "")
        with pytest.raises(OSError, match="No space"):
            second.submit("another")
    assert "No space left" in caplog.text


def test_a_notification_is_sent_again_by_the_next_process_for_some_minutes(
    machine: Any, aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The emulator runs functions in threads: what a notification started is lost when it ends.
    with machine() as first:
        first.submit("told")
        assert aws.notice() == ("told", "")
    with machine() as second:
        assert aws.notice() == ("told", "")
        assert second.instance.invoked.empty()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + invocation_store.KEPT_SECONDS + 1)
    with machine():
        assert aws.notice() == ("told", "")
    monkeypatch.setattr(time, "time", lambda: real() + 3 * invocation_store.KEPT_SECONDS)
    with machine() as last:
        assert aws.notice() == ("told", "")
        last.endpoint.close()
        last.store.forget(time.time() + 1)
    assert left(tmp_path) == 0


def test_only_the_last_notifications_are_kept(
    machine: Any, aws: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invocation_store, "KEPT_NOTIFICATIONS", 2)
    with machine() as running:
        running.submit(*"abcde")
        assert {aws.notice()[0] for _ in range(5)} == set("abcde")
    assert left(tmp_path) == 2


def test_what_is_dispatched_while_the_endpoint_closes_waits_for_the_next_process(machine: Any, aws: FakeAws) -> None:
    with machine() as first:
        first.endpoint.close()
        first.submit("late")
    assert aws.published.empty()
    with machine():
        assert aws.notice() == ("late", "")


def test_an_unreadable_file_is_set_aside_and_delays_no_other(
    machine: Any, aws: FakeAws, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with machine(instances=0) as first:
        first.submit("whole")
    (tmp_path / "invocations" / "0.json").write_text('{"name": "half')
    (tmp_path / "invocations" / ".1.json-abc").write_text("not finished")
    with machine():
        assert aws.notice() == ("whole", "")
    assert "0.json is not a stored invocation" in caplog.text
    assert (tmp_path / "invocations" / "0.unreadable").exists()
    assert not (tmp_path / "invocations" / ".1.json-abc").exists()

"""The stand-in as a process of its own, killed and terminated while it has invocations."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from darkroom.client.ports import free_port
from tests.infra.endpoint.stack import BUCKET, ROOT, Cloud, Stack, values_of

WAIT = 30


@contextmanager
def process_with_a_running_invocation(cloud: Cloud, folder: Path) -> Iterator[tuple[Stack, "subprocess.Popen[bytes]"]]:
    """A stand-in whose one slot has an invocation that never ends."""
    port = free_port()
    changes = {"port": port, "invocations_folder": folder, "concurrency": 1, "stop_seconds": 0.5}
    environment = {name.upper(): str(value) for name, value in (values_of(cloud) | changes).items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local.endpoint"],
        cwd=ROOT,
        env=os.environ | environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        stack = Stack(None, port, cloud.queues, cloud.key)
        stack.until_serving()
        stack.invoke("hang", "running")
        while not any('"running":true' in path.read_text() for path in folder.glob("*.json")):
            threading.Event().wait(0.01)
        yield stack, process
    finally:
        process.kill()
        process.wait()


def test_a_killed_stand_in_leaves_nothing_unanswered(cloud: Cloud, start: Callable[..., Stack], tmp_path: Path) -> None:
    folder = tmp_path / "invocations"
    with process_with_a_running_invocation(cloud, folder) as (killed, process):
        killed.invoke("answer", "waiting")
        process.kill()
    again = start(invocations_folder=folder)
    lost = again.notification("error")
    assert lost is not None
    assert (lost["inferenceId"], "connection" in lost["failureReason"]) == ("running", True)
    done = again.notification("success")
    assert done is not None
    assert done["inferenceId"] == "waiting"
    answer = again.read(f"s3://{BUCKET}/outcomes/waiting.out")
    assert answer["headers"]["x-amzn-sagemaker-inference-id"] == "waiting"


def test_a_terminated_stand_in_announces_what_was_running(
    cloud: Cloud, start: Callable[..., Stack], tmp_path: Path
) -> None:
    folder = tmp_path / "invocations"
    with process_with_a_running_invocation(cloud, folder) as (stopped, process):
        stopped.invoke("answer", "waiting")
        process.terminate()
        assert process.wait(WAIT) == 0
        message = stopped.notification("error")
        assert message is not None
        assert message["inferenceId"] == "running"
        assert stopped.notification("success", wait=False) is None
    done = start(invocations_folder=folder).notification("success")
    assert done is not None
    assert done["inferenceId"] == "waiting"

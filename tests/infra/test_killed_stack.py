"""A local stack whose emulator is killed or whose files are damaged: it starts again and says what is lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from filelock import FileLock

from infra.local.stack import LocalStack
from infra.local.state import RunningProcesses
from tests.e2e.caller import Caller, upload
from tests.unlimited import UNLIMITED

SECONDS = 60
PICTURE = Path(__file__).parents[1] / "data" / "living_room.jpg"


class Killable:
    """A stack, what its commands said, and its caller."""

    def __init__(self, folder: Path) -> None:
        self.said: list[str] = []
        self.context = {**UNLIMITED, "stages": "noop"}
        self.stack = LocalStack(folder, context=self.context, say=self.said.append)

    def start(self) -> None:
        self.said.clear()
        self.stack.start()

    def kill(self) -> None:
        """Kill the emulator as ``kill -9`` does."""
        running = RunningProcesses.read(self.stack.folder)
        assert running is not None
        assert running.emulator is not None
        os.kill(running.emulator.pid, signal.SIGKILL)
        until(lambda: running.emulator.find() is None)

    def wait_until_saved(self) -> None:
        until(lambda: not (self.stack.folder / "unsaved.json").exists())

    @property
    def caller(self) -> Caller:
        return Caller(self.stack.endpoint, self.stack.socket, self.stack.token_for("caller"))

    def owners(self) -> set[str]:
        """Ids of the jobs that own an object."""
        listed = self.stack.client("s3").list_objects_v2(Bucket=self.stack.bucket).get("Contents", [])
        return {each["Key"].split("/")[1] for each in listed}


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def repeat(caller: Caller, key: str) -> str:
    """Send a request until the starting stack accepts it, and upload its photo; return the job's id."""
    accepted: list[httpx2.Response] = []

    def send() -> bool:
        with suppress(httpx2.TransportError):
            accepted.append(caller.create(key=key))
        return bool(accepted) and accepted[-1].is_success

    until(send)
    created = accepted[-1].json()
    assert upload(created["uploads"]["photo"], PICTURE.read_bytes()).is_success
    return str(created["job"]["job_id"])


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killable]:
    killable = Killable(tmp_path_factory.mktemp("killed") / "stack")
    killable.start()
    yield killable
    killable.stack.stop()


def test_after_a_kill_two_concurrent_ups_find_the_same_stack_with_all_its_jobs(started: Killable) -> None:
    job = started.caller.run("generate", {"prompt": "a lamp"})
    assert job["state"] == "completed"
    started.wait_until_saved()
    started.kill()
    said: list[str] = []
    stack = started.stack
    other = LocalStack(stack.folder, stack.state.port, context=started.context, say=said.append)
    started.said.clear()
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(stack.start), pool.submit(other.start)]:
            done.result()
    assert stack.state.endpoint == other.state.endpoint
    everything = [*started.said, *said]
    assert len([text for text in everything if text.startswith("waiting for `darkroom up`")]) == 1
    assert len([text for text in everything if text.startswith("starting the emulator")]) == 1
    assert not [text for text in everything if "lost" in text]
    assert started.caller.get(job["job_id"])["state"] == "completed"
    assert started.caller.run("generate", {"prompt": "a chair"})["state"] == "completed"


def test_jobs_that_were_not_saved_are_said_to_be_lost_and_leave_no_objects(started: Killable) -> None:
    waiting, ticket = started.caller.created()
    started.wait_until_saved()
    with FileLock(started.stack.folder / "state.lock"):  # no snapshot can be written
        lost = started.caller.run("generate", {"prompt": "a lamp"})["job_id"]
        assert upload(ticket, PICTURE.read_bytes()).is_success
        assert lost in started.owners()
        caller = started.caller
        again, form = caller.created(key="again")
        assert upload(form, PICTURE.read_bytes()).is_success
        started.kill()
    with ThreadPoolExecutor() as pool:
        repeated = pool.submit(repeat, caller, "again")
        started.start()
    assert repeated.result() == again
    (said,) = [text for text in started.said if "lost" in text]
    assert said.startswith("jobs since ")
    assert "the emulator was killed or could not save them" in said
    assert "objects were deleted" in said
    assert started.caller.http.get(f"/jobs/{lost}").status_code == 404
    assert lost not in started.owners()
    # S3 stores an upload at once, but its message was lost.
    assert started.caller.finish(waiting)["state"] == "completed"
    # A caller who repeats a lost request while the stack starts uploads the same object again.
    assert started.caller.finish(again)["state"] == "completed"


def test_truncated_state_files_are_named_and_the_jobs_restored(started: Killable) -> None:
    job = started.caller.run("generate", {"prompt": "a lamp"})["job_id"]
    started.wait_until_saved()
    started.stack.stop()
    for name in ("lambda.json", "dynamodb.json"):
        path = started.stack.folder / "state" / name
        path.write_bytes(path.read_bytes()[:-100])
    started.start()
    assert [text for text in started.said if "state/dynamodb.json, state/lambda.json is damaged" in text]
    assert started.caller.get(job)["state"] == "completed"

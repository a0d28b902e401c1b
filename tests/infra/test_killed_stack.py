"""A local stack whose emulator is killed or whose files are damaged: it starts again and says what is lost."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2
from filelock import FileLock

from infra.local.stack import LocalStack
from infra.local.stand_in import INVOCATIONS_FOLDER
from tests.e2e.caller import Caller, upload
from tests.infra.restartable_stack import CONTEXT, RestartableStack, until

PICTURE = Path(__file__).parents[1] / "data" / "living_room.jpg"


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


def test_after_a_kill_two_concurrent_ups_find_the_same_stack_with_all_its_jobs(restartable: RestartableStack) -> None:
    job = restartable.caller.run("generate", {"prompt": "a lamp"})
    assert job["state"] == "completed"
    restartable.wait_until_saved()
    restartable.kill()
    said: list[str] = []
    stack = restartable.stack
    other = LocalStack(stack.folder, stack.state.port, context=CONTEXT, say=said.append)
    restartable.said.clear()
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(stack.start), pool.submit(other.start)]:
            done.result()
    assert stack.state.endpoint == other.state.endpoint
    everything = [*restartable.said, *said]
    assert len([text for text in everything if text.startswith("waiting for `darkroom up`")]) == 1
    assert len([text for text in everything if text.startswith("starting the emulator")]) == 1
    assert not [text for text in everything if "lost" in text]
    assert restartable.caller.get(job["job_id"])["state"] == "completed"
    assert restartable.caller.run("generate", {"prompt": "a chair"})["state"] == "completed"


def test_jobs_that_were_not_saved_are_said_to_be_lost_and_leave_no_objects(restartable: RestartableStack) -> None:
    waiting, ticket = restartable.caller.created()
    restartable.wait_until_saved()
    with FileLock(restartable.stack.folder / "state.lock"):  # no snapshot can be written
        lost = restartable.caller.run("generate", {"prompt": "a lamp"})["job_id"]
        assert upload(ticket, PICTURE.read_bytes()).is_success
        assert lost in restartable.owners()
        invocations = restartable.stack.folder / INVOCATIONS_FOLDER
        assert [path for path in invocations.iterdir() if lost in path.read_text()]
        caller = restartable.caller
        again, form = caller.created(key="again")
        assert upload(form, PICTURE.read_bytes()).is_success
        restartable.kill()
    with ThreadPoolExecutor() as pool:
        repeated = pool.submit(repeat, caller, "again")
        restartable.start()
    assert repeated.result() == again
    (said,) = [text for text in restartable.said if "lost" in text]
    assert said.startswith("jobs since ")
    assert "the emulator was killed or could not save them" in said
    assert "objects were deleted" in said
    assert restartable.caller.http.get(f"/jobs/{lost}").status_code == 404
    assert lost not in restartable.owners()
    # Otherwise the endpoint would announce its end again, to a job of the same id that a repeated request has made.
    assert not [path for path in invocations.iterdir() if lost in path.read_text()]
    # S3 stores an upload at once, but its message was lost.
    assert restartable.caller.finish(waiting)["state"] == "completed"
    # A caller who repeats a lost request while the stack starts uploads the same object again.
    assert restartable.caller.finish(again)["state"] == "completed"


def test_truncated_state_files_are_named_and_the_jobs_restored(restartable: RestartableStack) -> None:
    job = restartable.caller.run("generate", {"prompt": "a lamp"})["job_id"]
    restartable.wait_until_saved()
    restartable.stack.stop()
    for name in ("lambda.json", "dynamodb.json"):
        path = restartable.stack.folder / "state" / name
        path.write_bytes(path.read_bytes()[:-100])
    restartable.start()
    assert [text for text in restartable.said if "state/dynamodb.json, state/lambda.json is damaged" in text]
    assert restartable.caller.get(job)["state"] == "completed"

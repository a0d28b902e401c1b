"""Worker of the GPU container in the fake deployment: its outcomes of invocations, and its HTTP answers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from mypy_boto3_s3 import S3Client

from tests.recorded import samples, today
from tests.recorded.fake_deployment import BUCKET, JOBS, LEDGER, Item

STAGE_SECONDS = 0.5
PICTURE_SHA256 = samples.sha256(b"a picture")


class SilentStore:
    """The jobs table as the worker sees it, but what it reports is not written: how often that is depends on speed."""

    def __init__(self) -> None:
        self._store = today.JobStore(JOBS)

    def get(self, job_id: str) -> today.JobRecord | None:
        """The job as the table has it."""
        return self._store.get(job_id)

    def start(self, job_id: str, _attempt: int, *, message: str, **_more: float | None) -> today.JobRecord:
        """The job, which the scenario has started."""
        record = self._store.get(job_id)
        assert record is not None
        assert message
        return record

    def report(self, _job_id: str, _attempt: int, **_news: Any) -> None:
        """Forget it."""


class Container:
    """Workers by what they have: weights and licence, or neither, or a stage made for a scenario."""

    def __init__(self, bucket: S3Client, weights: Path, empty: Path) -> None:
        self._bucket = bucket
        self._full = self._settings(weights, accept_research_licence=True)
        self._empty = self._settings(empty)

    @staticmethod
    def _settings(weights: Path, **more: Any) -> today.ContainerSettings:
        values: dict[str, Any] = {"jobs_table": JOBS, "ledger_table": LEDGER, "bucket": BUCKET}
        return today.ContainerSettings(**values, weights=weights, device="cpu", long_side=128, **more)

    def worker(self, *, weights: bool = True, plan_for: Any = None, silent: bool = True) -> today.Worker:
        """A worker; without ``weights`` the models engine is not available, ``plan_for`` has other stages.

        One that is not ``silent`` writes to the table itself.
        """
        settings = self._full if weights else self._empty
        weigh = partial(today.weights_digest, settings)
        engines = today.PlanPreparer(plan_for or _plan_for, partial(today.create_network_provider, settings), weigh)
        storage = today.Storage(BUCKET, self._bucket)
        runner = today.Runner(cache=today.StageCache())
        store: Any = SilentStore() if silent else today.JobStore(JOBS)
        return today.Worker(settings, store, storage, runner, engines, today.create_speaker(settings))

    def outcome(self, invocation: Item, *, error: today.DarkroomError | None = None, **how: Any) -> Item:
        """The outcome of an invocation, without what differs from one machine to the next; ``error`` is its stage's."""
        if error is not None:
            how["plan_for"] = failing(error)
        typed = today.Invocation.model_validate(invocation)
        done = self.worker(**how).run(typed, today.typed_params(typed))
        return stable(done.model_dump(mode="json"))

    async def answers(self, invocation: Item) -> Item:
        """Responses of the server to an invalid invocation, to one that crashes, and during shutdown."""
        invocations = today.InvocationRunner(self.worker(plan_for=_crash), 1)
        transport = httpx2.ASGITransport(today.make_app(invocations))
        found = {}
        async with httpx2.AsyncClient(transport=transport, base_url="http://container") as client:
            wrong: Any = {**invocation, "kind": "nonsense"}
            for name, body in (("invalid", wrong), ("crashed", invocation)):
                found[name] = _answer(await client.post("/invocations", json=body))
            found["ping"] = {"status": (await client.get("/ping")).status_code}
            await invocations.drain(0)
            found["draining"] = _answer(await client.post("/invocations", json=invocation))
            found["ping_draining"] = {"status": (await client.get("/ping")).status_code}
        return found


def failing(error: today.DarkroomError) -> Callable[..., today.Plan]:
    """Plans that are refused with this error, as one is whose stage raised it."""

    def plan_for(*_: Any) -> today.Plan:
        raise error

    return plan_for


def stable(outcome: Item) -> Item:
    """An outcome whose times, digests and encoded sizes are the same on every machine."""
    for entry in outcome.get("timeline", []):
        entry["seconds"] = STAGE_SECONDS
    if outcome.get("engine_digest"):
        name = f"{outcome['result']['engine']} engine of 0.1.0"
        outcome["engine_digest"] = samples.sha256(name.encode())
    result = outcome.get("result", {})
    for file in (*result.get("pictures", []), *result.get("videos", []), *result.get("subtitles", [])):
        file["size"], file["sha256"] = 10_000, PICTURE_SHA256
    # Two objects, and of an outline its first corners: there are hundreds, all alike.
    result["objects"] = result.get("objects", [])[:2]
    for found in result["objects"]:
        found["outlines"] = [outline[:4] for outline in found["outlines"][:2]]
    rounded: Item = _rounded(outcome)
    return rounded


def _rounded(value: Any) -> Any:
    """Measured numbers to three places: the last bits depend on the processor."""
    match value:
        case float():
            return round(value, 3)
        case dict():
            return {name: _rounded(member) for name, member in value.items()}
        case list():
            return [_rounded(member) for member in value]
        case _:
            return value


def _plan_for(kind: today.Kind, engine: Any, allow_preview: bool) -> today.Plan:
    return today.get_plan(kind, engine, allow_preview=allow_preview)


def _crash(*_: Any) -> today.Plan:
    raise RuntimeError("a bug")


def _answer(response: httpx2.Response) -> Item:
    content_type = response.headers["content-type"]
    return {"status": response.status_code, "content_type": content_type, "body": response.json()}

"""Drafts on the cpu lane: the preview engine's picture of a waiting job, at a long side of 1024, or nothing."""

import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from cloud.dynamodb.draft_store import DRAFT_MESSAGE, DraftStore
from cloud.dynamodb.job_store import JobRecord, JobStore
from cloud.invocation import DraftInvocation
from containers.cpu import function
from containers.cpu.draft_maker import DraftMaker
from containers.cpu.settings import FunctionSettings
from containers.worker.storage import Storage
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jobs import State
from darkroom.contract.kinds import Kind
from darkroom.contract.results import PreviewPicture
from pipeline.core.artifacts import SAVED, SavedPicture
from pipeline.core.stages import Plan, Stage, StageContext
from pipeline.plans import get_plan
from tests.containers.conftest import BUCKET, JOB, cancel, invocation
from tests.containers.plans import keys
from tests.paths import DATA

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREVIEWS = f"previews/{JOB}/"
Make = Callable[..., None]


class FailingS3:
    """S3 that cannot store objects."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def put_object(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "no"}}, "PutObject")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)


class DrawStage(Stage):
    """Do something, then save a picture."""

    name = "draw"
    message = "Drawing"
    provides = (SAVED,)

    def __init__(self, action: Callable[[StageContext], None]) -> None:
        self.action = action

    def run(self, context: StageContext) -> None:
        self.action(context)
        context.report(0.5)
        path = context.folder / "result.jpg"
        Image.new("RGB", (64, 48)).save(path)
        context[SAVED] = (SavedPicture("result", path, "image/jpeg", 64, 48),)


def plan_of(action: Callable[[StageContext], None]) -> Plan:
    return Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, ((DrawStage(action), 1.0),))


@pytest.fixture
def settings() -> FunctionSettings:
    return FunctionSettings(jobs_table="jobs", ledger_table="ledger", bucket=BUCKET, success_topic_arn="topic")


@pytest.fixture
def make(store: JobStore, s3: "S3Client", settings: FunctionSettings) -> Make:
    """Make a draft of the job in the store, which waits for a GPU; ``action`` replaces the engine's stages."""
    put(s3, photo=jpeg((1600, 1200)))

    def do(
        action: Callable[[StageContext], None] | None = None,
        *,
        seconds: float = 900,
        client: Any = None,
        **changes: Any,
    ) -> None:
        plan_for = get_plan if action is None else lambda *_: plan_of(action)
        maker = DraftMaker(settings, DraftStore("jobs"), Storage(BUCKET, client or s3), plan_for)
        body = invocation(**{"engine": Engine.MODELS} | changes).model_dump(mode="json")
        maker.make(DraftInvocation(draft=body), seconds)

    return do


def jpeg(size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.open(DATA / "living_room.jpg").resize(size).save(file, "JPEG")
    return file.getvalue()


def put(s3: "S3Client", **files: bytes) -> None:
    for role, body in files.items():
        s3.put_object(Bucket=BUCKET, Key=f"uploads/{JOB}/{role}", Body=body)


def job_now(store: JobStore) -> JobRecord:
    job = store.get(JOB)
    assert job is not None
    return job


def nothing(_context: StageContext) -> None:
    """Go on."""


def large_inputs(kind: Kind) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Uploads of a kind with a longer side above 1024, and params."""

    def enlarged(name: str, width: int) -> bytes:
        file = io.BytesIO()
        with Image.open(DATA / name) as image:
            image.resize((width, round(image.height * width / image.width))).save(file, "PNG")
        return file.getvalue()

    match kind:
        case Kind.INPAINT:
            files = {"photo": enlarged("living_room.jpg", 1536), "mask": enlarged("living_room_mask.png", 1536)}
            return files, {"grow": 3}
        case Kind.FACE_SWAP:
            return {role: enlarged(f"face_{role}.jpg", 1200) for role in ("source", "target")}, {"consent": True}
        case Kind.UPSCALE:
            return {"photo": enlarged("living_room.jpg", 1100)}, {"scale": 1.5, "format": "png"}
        case _:
            return {"photo": enlarged("living_room.jpg", 1536)}, {"style": "modern", "keep_at": [[0.5, 0.8]]}


@pytest.mark.parametrize("kind", [Kind.RESTYLE_ROOM, Kind.INPAINT, Kind.FACE_SWAP, Kind.UPSCALE])
def test_a_waiting_job_shows_the_preview_engines_picture_at_a_long_side_of_1024(
    make: Make, store: JobStore, s3: "S3Client", kind: Kind
) -> None:
    files, params = large_inputs(kind)
    put(s3, **files)
    before = job_now(store)
    make(kind=kind, params=params, uploads={role: f"uploads/{JOB}/{role}" for role in files})
    job = job_now(store)
    assert job.preview is not None
    assert (job.preview.draft, max(job.preview.width, job.preview.height)) == (True, 1024)
    assert job.message.startswith(DRAFT_MESSAGE)
    # Nothing else of the job: no start, no cost, no result.
    changed = {"preview": job.preview, "message": job.message, "seq": before.seq + 1, "updated_at": job.updated_at}
    assert job == before.model_copy(update=changed)
    assert [*keys(s3, PREVIEWS), *keys(s3)] == [job.preview.key]
    with Image.open(io.BytesIO(s3.get_object(Bucket=BUCKET, Key=job.preview.key)["Body"].read())) as draft:
        assert (draft.format, draft.size) == ("JPEG", (job.preview.width, job.preview.height))
        assert draft.getextrema() != ((0, 0),) * 3


def test_an_event_that_comes_again_leaves_the_draft_that_is_shown(make: Make, store: JobStore, s3: "S3Client") -> None:
    make(nothing)
    first = job_now(store)
    make(nothing)
    assert first.preview is not None
    assert (job_now(store), keys(s3, PREVIEWS)) == (first, [first.preview.key])


def test_two_drafts_at_once_leave_the_one_that_is_shown(make: Make, store: JobStore, s3: "S3Client") -> None:
    make(lambda _: make(nothing))  # the second one is made while the first is
    job = job_now(store)
    assert job.preview is not None
    assert (job.seq, keys(s3, PREVIEWS)) == (4, [job.preview.key])


def start_with_image(store: JobStore) -> None:
    store.start(JOB, 1, message="Painting")
    image = PreviewPicture(key=f"{PREVIEWS}1-1.jpg", width=256, height=192)
    store.report(JOB, 1, progress=0.5, stage="diffuse", message="Painting", timeline=[], preview=image)


def give_to_another_attempt(store: JobStore) -> None:
    store.requeue(JOB, 1, due_at=0, message="again")
    store.dispatch(JOB, 2, due_at=0)


LATER = {"a progress image": start_with_image, "the next attempt": give_to_another_attempt, "a cancellation": cancel}


@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_draft_that_comes_after_something_else_is_dropped_with_its_object(
    make: Make, store: JobStore, s3: "S3Client", later: Callable[[JobStore], None], when: str
) -> None:
    if when == "before":
        later(store)
        before, ran = job_now(store), list[StageContext]()
        make(ran.append)
        assert (job_now(store), ran) == (before, []), "the work is spared"
    else:
        make(lambda _: later(store))
    job = job_now(store)
    assert job.preview is None or not job.preview.draft
    assert keys(s3, PREVIEWS) == []


def test_a_job_that_runs_without_an_image_shows_the_draft_beside_its_stages_message(
    make: Make, store: JobStore
) -> None:
    make(lambda _: store.start(JOB, 1, stage="prepare", message="Getting the models ready"))
    job = job_now(store)
    assert job.preview is not None
    assert (job.preview.draft, job.state, job.message) == (True, State.RUNNING, "Getting the models ready")


def raise_error(error: Exception) -> Callable[[StageContext], None]:
    def action(_context: StageContext) -> None:
        raise error

    return action


FAILURES: dict[str, dict[str, Any]] = {
    "an error of the picture": {"action": raise_error(DarkroomError(ErrorCode.NO_FACE, "No face was found."))},
    "an unexpected error": {"action": raise_error(RuntimeError("?"))},
    "too little memory": {"action": raise_error(MemoryError())},
    "too little time": {"action": nothing, "seconds": -1},
    "an unknown style": {"params": {"style": "brutalist"}},
    "a kind of a newer version": {"kind": "dream"},
    "an upload that was replaced": {"etags": {"photo": '"other"'}},
    "an upload that is gone": {"uploads": {"photo": "uploads/gone"}},
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_draft_that_fails_leaves_no_trace(
    make: Make, store: JobStore, s3: "S3Client", failure: dict[str, Any]
) -> None:
    before = job_now(store)
    make(**failure)
    assert (job_now(store), keys(s3, PREVIEWS)) == (before, [])


def test_a_bucket_that_takes_no_draft_is_no_error_of_the_function(make: Make, store: JobStore, s3: "S3Client") -> None:
    before = job_now(store)
    make(nothing, client=FailingS3(s3))
    assert job_now(store) == before


def test_an_invocation_that_cannot_be_read_has_no_draft(
    settings: FunctionSettings, store: JobStore, s3: "S3Client"
) -> None:
    before = job_now(store)
    DraftMaker(settings, DraftStore("jobs"), Storage(BUCKET, s3)).make(DraftInvocation(draft={"job_id": "x"}), 900)
    assert job_now(store) == before


def test_the_function_takes_drafts_and_announces_nothing(
    store: JobStore, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, photo=jpeg((320, 240)))
    values = {"JOBS_TABLE": "jobs", "LEDGER_TABLE": "ledger", "BUCKET": BUCKET, "SUCCESS_TOPIC_ARN": "no topic"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    function._draft_maker.cache_clear()
    body = invocation(engine=Engine.MODELS).model_dump(mode="json")
    event = json.loads(DraftInvocation(draft=body).model_dump_json())
    try:
        function.handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000))
    finally:
        function._draft_maker.cache_clear()
    job = job_now(store)
    assert job.preview is not None
    assert (job.preview.draft, job.preview.width, job.state) == (True, 320, State.DISPATCHED), "nothing is enlarged"

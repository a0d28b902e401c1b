"""Intermediate files of a job: available to its next attempt, and deleted when there is none."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud.dynamodb.job_store import JobStore
from containers.worker.intermediates import S3Intermediates
from containers.worker.storage import Storage
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.requests import Kind
from pipeline.core.artifacts import SAVED, SavedPicture, SavedSubtitles, SavedVideo
from pipeline.core.stages import Plan, Stage, StageContext
from tests.containers.conftest import BUCKET, JOB, Container, cancel, invoke
from tests.containers.plans import develop, keys, until_stopped, written

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PARTS = "intermediates/"
PART = f"{PARTS}{JOB}/scene-1.mp4"


def keep(context: StageContext) -> None:
    part = context.folder / "part"
    part.write_bytes(b"a finished scene")
    context.intermediates.put("scene-1.mp4", part)


def fail(*, retryable: bool) -> Any:
    def do(context: StageContext) -> None:
        keep(context)
        raise DarkroomError(ErrorCode.OUT_OF_MEMORY, "No room.", retryable=retryable)

    return do


async def test_the_next_attempt_finds_what_the_last_one_finished(
    container: Container, store: JobStore, s3: "S3Client"
) -> None:
    found: list[bytes | None] = []

    def look(context: StageContext) -> None:
        path = context.folder / "found"
        found.append(path.read_bytes() if context.intermediates.get("scene-1.mp4", path) else None)

    def look_then_fail(context: StageContext) -> None:
        look(context)
        fail(retryable=True)(context)

    await invoke(container(develop(look_then_fail)))
    assert keys(s3, PARTS) == [PART]
    due = datetime.now(UTC).timestamp()
    store.requeue(JOB, 1, due_at=due, message="Again")
    store.dispatch(JOB, 2, due_at=due)
    outcome = await invoke(container(develop(look)), attempt=2)
    assert (outcome["status"], found) == ("completed", [None, b"a finished scene"])
    assert keys(s3, PARTS) == []


async def test_a_job_that_cannot_succeed_leaves_no_parts(container: Container, s3: "S3Client") -> None:
    assert (await invoke(container(develop(fail(retryable=False)))))["status"] == "failed"
    assert keys(s3, PARTS) == []


async def test_a_cancelled_job_leaves_no_parts(container: Container, store: JobStore, s3: "S3Client") -> None:
    def go_on(context: StageContext) -> None:
        keep(context)
        written(store, "develop")
        cancel(store)
        until_stopped(context)

    assert (await invoke(container(develop(go_on))))["status"] == "abandoned"
    assert keys(s3, PARTS) == []


async def test_parts_are_left_to_an_attempt_that_took_over(
    container: Container, store: JobStore, s3: "S3Client"
) -> None:
    def lose(context: StageContext) -> None:
        keep(context)
        written(store, "develop")
        due = datetime.now(UTC).timestamp()
        store.requeue(JOB, 1, due_at=due, message="Again")
        store.dispatch(JOB, 2, due_at=due)
        until_stopped(context)

    assert (await invoke(container(develop(lose))))["status"] == "abandoned"
    assert keys(s3, PARTS) == [PART]


def test_parts_that_cannot_be_kept_or_found_cost_nothing(s3: "S3Client", tmp_path: Path) -> None:
    part, back = tmp_path / "part", tmp_path / "back"
    part.write_bytes(b"part")
    nowhere = S3Intermediates(Storage("no-such-bucket", s3), JOB, limit=10)
    nowhere.put("part", part)
    assert not nowhere.get("part", back)
    nowhere.delete(earlier=True)
    small = S3Intermediates(Storage(BUCKET, s3), JOB, limit=3)
    small.put("part", part)
    assert not small.get("part", back)
    assert not back.exists()


def test_what_comes_after_the_end_is_not_kept(s3: "S3Client", tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(b"part")
    parts = S3Intermediates(Storage(BUCKET, s3), JOB, limit=10)
    parts.delete(earlier=False)
    parts.put("part", part)
    assert keys(s3, PARTS) == []


class Film(Stage):
    """Makes a video's files."""

    name = "film"
    message = "Filming"
    provides = (SAVED,)

    def run(self, context: StageContext) -> None:
        made = [context.folder / name for name in ("result.mp4", "poster.jpg", "subtitles.srt")]
        for path in made:
            path.write_bytes(path.name.encode())
        context[SAVED] = (
            SavedVideo("result", made[0], "video/mp4", 720, 1280, 2.0, 50, 25.0),
            SavedPicture("poster", made[1], "image/jpeg", 720, 1280),
            SavedSubtitles("srt", made[2], "application/x-subrip", "srt", "en-US", 3),
        )


async def test_a_video_and_its_subtitles_are_stored_beside_pictures(container: Container, s3: "S3Client") -> None:
    outcome = await invoke(container(Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, ((Film(), 1.0),))))
    result = outcome["result"]
    (video,), (poster,), (subtitles,) = result["videos"], result["pictures"], result["subtitles"]
    assert (video["name"], video["seconds"], video["frames"], video["width"]) == ("result", 2, 50, 720)
    assert (poster["name"], poster["height"]) == ("poster", 1280)
    assert (subtitles["format"], subtitles["language"], subtitles["cues"]) == ("srt", "en-US", 3)
    assert keys(s3) == [f"results/{JOB}/{name}" for name in ("poster.jpg", "result.mp4", "subtitles.srt")]
    assert s3.head_object(Bucket=BUCKET, Key=video["key"])["ContentType"] == "video/mp4"

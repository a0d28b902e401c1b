"""Intermediate files of a job: available to its next attempt, and deleted when there is none."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud.dynamodb.job_store import JobStore
from containers.worker.intermediates import S3Intermediates
from containers.worker.storage import Storage
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from pipeline.core.artifacts import SAVED, SavedPicture, SavedSubtitles, SavedVideo
from pipeline.core.stages import Plan, Stage, StageContext
from tests.containers.conftest import BUCKET, JOB, Container, cancel, invoke
from tests.containers.plans import keys, plan_of, report_until_stopped, wait_for_stage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PARTS = "intermediates/"
PART = f"{PARTS}{JOB}/scene-1.mp4"


def put_part(context: StageContext) -> None:
    part = context.folder / "part"
    part.write_bytes(b"a finished scene")
    context.intermediates.put("scene-1.mp4", part)


def fail(*, retryable: bool) -> Any:
    def action(context: StageContext) -> None:
        put_part(context)
        raise DarkroomError(ErrorCode.OUT_OF_MEMORY, "No room.", retryable=retryable)

    return action


async def test_the_next_attempt_finds_the_stored_parts(container: Container, store: JobStore, s3: "S3Client") -> None:
    found: list[bytes | None] = []

    def get_part(context: StageContext) -> None:
        path = context.folder / "found"
        found.append(path.read_bytes() if context.intermediates.get("scene-1.mp4", path) else None)

    def get_part_then_fail(context: StageContext) -> None:
        get_part(context)
        fail(retryable=True)(context)

    await invoke(container(plan_of(get_part_then_fail)))
    assert keys(s3, PARTS) == [PART]
    due = datetime.now(UTC).timestamp()
    store.requeue(JOB, 1, due_at=due, message="Again")
    store.dispatch(JOB, 2, due_at=due)
    outcome = await invoke(container(plan_of(get_part)), attempt=2)
    assert (outcome["status"], found) == ("completed", [None, b"a finished scene"])
    assert keys(s3, PARTS) == []


async def test_a_permanently_failed_job_leaves_no_parts(container: Container, s3: "S3Client") -> None:
    assert (await invoke(container(plan_of(fail(retryable=False)))))["status"] == "failed"
    assert keys(s3, PARTS) == []


async def test_a_cancelled_job_leaves_no_parts(container: Container, store: JobStore, s3: "S3Client") -> None:
    def put_part_until_cancelled(context: StageContext) -> None:
        put_part(context)
        wait_for_stage(store, "develop")
        cancel(store)
        report_until_stopped(context)

    assert (await invoke(container(plan_of(put_part_until_cancelled))))["status"] == "abandoned"
    assert keys(s3, PARTS) == []


async def test_parts_are_kept_for_the_attempt_that_took_over(
    container: Container, store: JobStore, s3: "S3Client"
) -> None:
    def put_part_until_superseded(context: StageContext) -> None:
        put_part(context)
        wait_for_stage(store, "develop")
        due = datetime.now(UTC).timestamp()
        store.requeue(JOB, 1, due_at=due, message="Again")
        store.dispatch(JOB, 2, due_at=due)
        report_until_stopped(context)

    assert (await invoke(container(plan_of(put_part_until_superseded))))["status"] == "abandoned"
    assert keys(s3, PARTS) == [PART]


def test_storage_errors_of_parts_are_ignored(s3: "S3Client", tmp_path: Path) -> None:
    part, back = tmp_path / "part", tmp_path / "back"
    part.write_bytes(b"part")
    missing_bucket = S3Intermediates(Storage("no-such-bucket", s3), JOB, limit=10)
    missing_bucket.put("part", part)
    assert not missing_bucket.get("part", back)
    missing_bucket.delete(earlier=True)
    small = S3Intermediates(Storage(BUCKET, s3), JOB, limit=3)
    small.put("part", part)
    assert not small.get("part", back)
    assert not back.exists()


def test_a_part_put_after_delete_is_not_stored(s3: "S3Client", tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(b"part")
    parts = S3Intermediates(Storage(BUCKET, s3), JOB, limit=10)
    parts.delete(earlier=False)
    parts.put("part", part)
    assert keys(s3, PARTS) == []


class VideoStage(Stage):
    """Stage that writes a video's files."""

    name = "film"
    message = "Filming"
    provides = (SAVED,)

    def run(self, context: StageContext) -> None:
        paths = [context.folder / name for name in ("result.mp4", "poster.jpg", "subtitles.srt")]
        for path in paths:
            path.write_bytes(path.name.encode())
        context[SAVED] = (
            SavedVideo("result", paths[0], "video/mp4", 720, 1280, 2.0, 50, 25.0),
            SavedPicture("poster", paths[1], "image/jpeg", 720, 1280),
            SavedSubtitles("srt", paths[2], "application/x-subrip", "srt", "en-US", 3),
        )


async def test_videos_and_subtitles_are_stored_with_pictures(container: Container, s3: "S3Client") -> None:
    outcome = await invoke(container(Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, ((VideoStage(), 1.0),))))
    result = outcome["result"]
    (video,), (poster,), (subtitles,) = result["videos"], result["pictures"], result["subtitles"]
    assert (video["name"], video["seconds"], video["frames"], video["width"]) == ("result", 2, 50, 720)
    assert (poster["name"], poster["height"]) == ("poster", 1280)
    assert (subtitles["format"], subtitles["language"], subtitles["cues"]) == ("srt", "en-US", 3)
    assert keys(s3) == [f"results/{JOB}/{name}" for name in ("poster.jpg", "result.mp4", "subtitles.srt")]
    assert s3.head_object(Bucket=BUCKET, Key=video["key"])["ContentType"] == "video/mp4"

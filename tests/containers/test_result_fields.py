"""Fields of a result: everything that the plan measured reaches the caller."""

import time
from typing import TYPE_CHECKING, Any

import pytest

from containers.worker.progress import ProgressWriter
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.results import FoundObject, ModelUsed, Quality, RecognisedRoom
from pipeline.core.artifacts import OBJECTS, QUALITY, ROOM, SAVED
from pipeline.core.stages import Plan, StageContext
from tests.containers.conftest import BUCKET, JOB, Container, invoke
from tests.containers.plans import DevelopStage, plan_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCORES = Quality(structure=0.9, style=0.8, visual=0.7, score=0.8)
BEDROOM = RecognisedRoom(room="bedroom", confidence=0.9, sure=True)
BED = FoundObject(label="bed", box=(1, 2, 3, 4), score=0.75, area=0.5)
DETECTOR = ModelUsed(id="detector", revision="1")


class MeasuredStage(DevelopStage):
    """Saves a result and its scores."""

    provides = (SAVED, QUALITY, ROOM, OBJECTS)

    def run(self, context: StageContext) -> None:
        super().run(context)
        context[QUALITY] = SCORES
        context[ROOM] = BEDROOM
        context[OBJECTS] = (BED,)
        context.models_used[DETECTOR] = None
        context.notes.append("The light is the photo's.")


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Progress as it is reported to the writer, which leaves out what is soon replaced."""
    found: list[float] = []
    report = ProgressWriter.report

    def record(writer: ProgressWriter, progress: float, *rest: Any) -> None:
        found.append(progress)
        report(writer, progress, *rest)

    monkeypatch.setattr(ProgressWriter, "report", record)
    return found


async def test_scores_notes_seed_and_engine_are_in_the_result(container: Container) -> None:
    steps = ((MeasuredStage(lambda _: None), 1.0),)
    outcome = await invoke(
        container(Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, steps, results=(SAVED, QUALITY, ROOM, OBJECTS)))
    )
    result = outcome["result"]
    assert Quality.model_validate(result["quality"]) == SCORES
    assert RecognisedRoom.model_validate(result["room"]) == BEDROOM
    assert [FoundObject.model_validate(each) for each in result["objects"]] == [BED]
    assert [ModelUsed.model_validate(each) for each in result["models"]] == [DETECTOR]
    assert result["notes"] == ["The light is the photo's."]
    assert (result["seed"], result["engine"]) == (7, "preview")
    (picture,) = result["pictures"]
    assert (picture["name"], picture["width"], picture["height"], picture["size"]) == ("result", 4, 3, 7)


async def test_a_saved_picture_has_a_name_that_tells_its_job(container: Container, s3: "S3Client") -> None:
    await invoke(container(plan_of()))
    head = s3.head_object(Bucket=BUCKET, Key=f"results/{JOB}/result.jpg")
    assert head["ContentDisposition"] == f'inline; filename="restyle_room-{JOB[:8]}-result.jpg"'
    assert head["ContentType"] == "image/jpeg"


async def test_the_timeline_is_no_longer_than_the_job_took(container: Container) -> None:
    started = time.monotonic()
    outcome = await invoke(container(plan_of()))
    taken = time.monotonic() - started
    seconds = [entry["seconds"] for entry in outcome["timeline"]]
    assert min(seconds) >= 0
    assert sum(seconds) <= taken


async def test_a_finished_plan_leaves_the_upload_its_share_of_the_progress(
    container: Container, reported: list[float]
) -> None:
    await invoke(container(plan_of()))
    assert reported[-1] == 0.97


async def test_progress_never_falls_below_that_of_an_earlier_attempt(
    container: Container, reported: list[float]
) -> None:
    await invoke(container(plan_of()), progress=0.985)
    assert min(reported) == 0.985

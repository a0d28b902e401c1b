"""Fields of a result: everything that the plan measured reaches the caller."""

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.results import Quality
from pipeline.core.artifacts import QUALITY, SAVED
from pipeline.core.stages import Plan, StageContext
from tests.containers.conftest import Container, invoke
from tests.containers.plans import DevelopStage

SCORES = Quality(structure=0.9, style=0.8, visual=0.7, score=0.8)


class MeasuredStage(DevelopStage):
    """Saves a result and its scores."""

    provides = (SAVED, QUALITY)

    def run(self, context: StageContext) -> None:
        super().run(context)
        context[QUALITY] = SCORES
        context.notes.append("The light is the photo's.")


async def test_scores_notes_seed_and_engine_are_in_the_result(container: Container) -> None:
    steps = ((MeasuredStage(lambda _: None), 1.0),)
    outcome = await invoke(container(Plan(Kind.RESTYLE_ROOM, Engine.PREVIEW, steps, results=(SAVED, QUALITY))))
    result = outcome["result"]
    assert Quality.model_validate(result["quality"]) == SCORES
    assert result["notes"] == ["The light is the photo's."]
    assert (result["seed"], result["engine"]) == (7, "preview")
    (picture,) = result["pictures"]
    assert (picture["name"], picture["width"], picture["height"], picture["size"]) == ("result", 4, 3, 7)

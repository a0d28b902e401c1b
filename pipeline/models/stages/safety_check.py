"""Safety check stage for generated pictures."""

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.core.artifacts import SEED
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.models.network_registry import SAFETY
from pipeline.models.stages.text_to_image import GENERATED_PICTURES, GeneratedPicture

SAFE_PICTURES: Artifact[tuple[GeneratedPicture, ...]] = Artifact(
    "safe", "the drawn pictures that may be shown; one at least"
)


class SafetyCheck(Stage):
    """Drop unsafe pictures; reject the job if all are unsafe."""

    name = "screen"
    message = "Checking the result"
    slot = Slot.COMPUTE
    requires = (GENERATED_PICTURES,)
    provides = (SAFE_PICTURES, SEED)
    networks = (SAFETY,)

    def run(self, work: StageContext) -> None:
        """Check the pictures. Raises ``DarkroomError`` (``rejected_content``) if all are unsafe."""
        drawn = work[GENERATED_PICTURES]
        safe = []
        with work.use_networks(SAFETY) as held:
            for index, each in enumerate(drawn):
                work.report(index / len(drawn))
                if not held[SAFETY].unsafe(each.picture):
                    safe.append(each)
        if not safe:
            what = (
                "The picture that was made is not safe for work and was"
                if len(drawn) == 1
                else f"None of the {len(drawn)} pictures that were made is safe for work: they were"
            )
            raise DarkroomError(ErrorCode.REJECTED_CONTENT, f"{what} thrown away. Try other words or another seed.")
        if len(safe) < len(drawn):
            kept = [each.seed for each in safe]
            left_out = [each.seed for each in drawn if each.seed not in kept]
            work.notes.append(
                f"Not safe for work and left out: {_seeds(left_out)}. What is here was made with {_seeds(kept)}."
            )
            work.unsafe_progress_images = True
        work[SAFE_PICTURES], work[SEED] = tuple(safe), safe[0].seed


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"

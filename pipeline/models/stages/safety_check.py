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

    def run(self, context: StageContext) -> None:
        """Check the pictures. Raises ``DarkroomError`` (``rejected_content``) if all are unsafe."""
        generated = context[GENERATED_PICTURES]
        safe = []
        with context.use_networks(SAFETY) as networks:
            for index, each in enumerate(generated):
                context.report(index / len(generated))
                if not networks[SAFETY].unsafe(each.picture):
                    safe.append(each)
        if not safe:
            subject = (
                "The picture that was made is not safe for work and was"
                if len(generated) == 1
                else f"None of the {len(generated)} pictures that were made is safe for work: they were"
            )
            raise DarkroomError(ErrorCode.REJECTED_CONTENT, f"{subject} thrown away. Try other words or another seed.")
        if len(safe) < len(generated):
            safe_seeds = [each.seed for each in safe]
            unsafe_seeds = [each.seed for each in generated if each.seed not in safe_seeds]
            context.notes.append(
                f"Not safe for work and left out: {_seeds(unsafe_seeds)}. "
                f"What is here was made with {_seeds(safe_seeds)}."
            )
            context.unsafe_progress_images = True
        context[SAFE_PICTURES], context[SEED] = tuple(safe), safe[0].seed


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"

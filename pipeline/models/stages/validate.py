"""Validation stage of ``restyle_room``: checks safety, scores quality, and retries a poor picture once."""

from dataclasses import dataclass

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import RestyleRoomParams
from darkroom.contract.results import Quality
from darkroom.contract.styles import styles
from pipeline.core.artifacts import PHOTO, QUALITY, SEED
from pipeline.core.failures import translate_errors
from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.models.artifacts import DETECTIONS, EDGES
from pipeline.models.interfaces import Detection
from pipeline.models.network_registry import DETECTOR, IMAGE_TEXT, SAFETY
from pipeline.models.stages import scores
from pipeline.models.stages.denoising import (
    DENOISED,
    DENOISING_ARTIFACTS,
    DENOISING_NETWORKS,
    SELECTED,
    DenoisedPicture,
    edges_on_canvas,
    room_of,
    run_denoising,
)
from pipeline.models.stages.restyle_prompt import style_caption

SEEDS = 2**32


@dataclass(frozen=True)
class _Candidate:
    generated: DenoisedPicture
    quality: Quality


class Validate(Stage):
    """Reject an unsafe picture, score a safe one, and generate a poor one once more."""

    name = "validate"
    message = "Checking the result"
    slot = Slot.COMPUTE
    requires = (*DENOISING_ARTIFACTS, DETECTIONS, DENOISED)
    provides = (SELECTED, QUALITY, SEED)
    networks = (SAFETY, IMAGE_TEXT, DETECTOR, *DENOISING_NETWORKS)

    def run(self, context: StageContext) -> None:
        """Validate the picture. Raises ``DarkroomError`` (``rejected_content``) if it is unsafe."""
        generated = context[DENOISED]
        if _unsafe(context, generated):
            raise DarkroomError(
                ErrorCode.REJECTED_CONTENT,
                "The picture that was made is not safe for work and was thrown away. Try other words or another seed.",
            )
        best = _Candidate(generated, _quality(context, generated))
        if best.quality.score < scores.RETRY_BELOW:
            best = self._retry_with_next_seed(context, best)
        if not best.quality.passed:
            context.add_note(f"The quality score is {best.quality.score:.2f}: have a look before you show it.")
        context[SELECTED], context[QUALITY], context[SEED] = best.generated, best.quality, best.generated.seed

    def _retry_with_next_seed(self, context: StageContext, first: _Candidate) -> _Candidate:
        """Generate the picture again with the next seed, and return the better one."""
        seed = (first.generated.seed + 1) % SEEDS
        try:
            with translate_errors(self.name, context.network_provider):
                generated = run_denoising(
                    context, seed, first.generated.letterbox, "Painting once more with another seed"
                )
                if _unsafe(context, generated):
                    context.unsafe_progress_images = True
                    return first
                second = _Candidate(generated, _quality(context, generated))
        except DarkroomError as error:
            # No failure here, as the first picture exists.
            if error.detail.code not in (ErrorCode.OUT_OF_MEMORY, ErrorCode.NOT_FINITE):
                raise
            return first
        both_scores = f"{first.quality.score:.2f} and {second.quality.score:.2f}"
        context.add_note(f"Painted twice, as the first picture was poor: of {both_scores}, the better score is kept.")
        return max(first, second, key=lambda candidate: candidate.quality.score)


def _unsafe(context: StageContext, generated: DenoisedPicture) -> bool:
    with context.use_networks(SAFETY) as networks:
        return networks[SAFETY].unsafe(generated.picture)


def _quality(context: StageContext, generated: DenoisedPicture) -> Quality:
    """Score the picture at its generated size, as enlarging adds neither detail nor edges."""
    names, detections, letterbox = list(styles()), context[DETECTIONS], generated.letterbox
    captions = [style_caption(styles()[name], room_of(context)) for name in names]
    with context.use_networks(IMAGE_TEXT, DETECTOR) as networks:
        similarities = networks[IMAGE_TEXT].similarities(generated.picture, captions)
        detected = networks[DETECTOR].detect(generated.picture) if detections else ()
    detected_on_photo = [
        Detection(detection.label, letterbox.box_from_canvas(detection.box), detection.score) for detection in detected
    ]
    return Quality.from_scores(
        structure=scores.structure(edges_on_canvas(context[EDGES], letterbox), generated.picture),
        style=scores.style(similarities, names.index(context.params_as(RestyleRoomParams).style)),
        visual=scores.visual(letterbox.to_canvas(context[PHOTO]), generated.picture),
        objects=scores.objects(detections, detected_on_photo),
    )

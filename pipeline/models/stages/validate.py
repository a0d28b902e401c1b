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
class _Try:
    painted: DenoisedPicture
    quality: Quality


class Validate(Stage):
    """Reject an unsafe picture, score a safe one, and generate a poor one once more."""

    name = "validate"
    message = "Checking the result"
    slot = Slot.COMPUTE
    requires = (*DENOISING_ARTIFACTS, DETECTIONS, DENOISED)
    provides = (SELECTED, QUALITY, SEED)
    networks = (SAFETY, IMAGE_TEXT, DETECTOR, *DENOISING_NETWORKS)

    def run(self, work: StageContext) -> None:
        """Validate the picture. Raises ``DarkroomError`` (``rejected_content``) if it is unsafe."""
        painted = work[DENOISED]
        if _unsafe(work, painted):
            raise DarkroomError(
                ErrorCode.REJECTED_CONTENT,
                "The picture that was made is not safe for work and was thrown away. Try other words or another seed.",
            )
        best = _Try(painted, _quality(work, painted))
        if best.quality.score < scores.RETRY_BELOW:
            best = self._once_more(work, best)
        if not best.quality.passed:
            work.add_note(f"The quality score is {best.quality.score:.2f}: have a look before you show it.")
        work[SELECTED], work[QUALITY], work[SEED] = best.painted, best.quality, best.painted.seed

    def _once_more(self, work: StageContext, first: _Try) -> _Try:
        """Generate the picture again with the next seed, and return the better one."""
        seed = (first.painted.seed + 1) % SEEDS
        try:
            with translate_errors(self.name, work.network_provider):
                painted = run_denoising(work, seed, first.painted.fit, "Painting once more with another seed")
                if _unsafe(work, painted):
                    work.unsafe_progress_images = True
                    return first
                second = _Try(painted, _quality(work, painted))
        except DarkroomError as error:
            # Out of memory is no failure here, as the first picture exists.
            if error.detail.code is not ErrorCode.OUT_OF_MEMORY:
                raise
            return first
        found = f"{first.quality.score:.2f} and {second.quality.score:.2f}"
        work.add_note(f"Painted twice, as the first picture was poor: of {found}, the better score is kept.")
        return max(first, second, key=lambda tried: tried.quality.score)


def _unsafe(work: StageContext, painted: DenoisedPicture) -> bool:
    with work.use_networks(SAFETY) as held:
        return held[SAFETY].unsafe(painted.picture)


def _quality(work: StageContext, painted: DenoisedPicture) -> Quality:
    """Score the picture at its generated size, as enlarging adds neither detail nor edges."""
    names, found, fit = list(styles()), work[DETECTIONS], painted.fit
    captions = [style_caption(styles()[name], room_of(work)) for name in names]
    with work.use_networks(IMAGE_TEXT, DETECTOR) as held:
        similarities = held[IMAGE_TEXT].similarities(painted.picture, captions)
        seen = held[DETECTOR].detect(painted.picture) if found else ()
    again = [Detection(thing.label, fit.box_from_canvas(thing.box), thing.score) for thing in seen]
    return Quality.from_scores(
        structure=scores.structure(edges_on_canvas(work[EDGES], fit), painted.picture),
        style=scores.style(similarities, names.index(work.params_as(RestyleRoomParams).style)),
        visual=scores.visual(fit.to_canvas(work[PHOTO]), painted.picture),
        objects=scores.objects(found, again),
    )

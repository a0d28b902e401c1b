"""The stage that looks at what was painted before anybody else does."""

from dataclasses import dataclass

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.params import RestyleRoomParams
from darkroom.contract.results import Quality
from darkroom.contract.styles import styles
from pipeline.core.artifacts import PHOTO, QUALITY, SEED
from pipeline.core.failures import translating
from pipeline.core.stages import Slot, Stage, Work
from pipeline.models.artifacts import DETECTIONS, EDGES
from pipeline.models.interfaces import Detection
from pipeline.models.network_registry import DETECTOR, IMAGE_TEXT, SAFETY
from pipeline.models.stages import scores
from pipeline.models.stages.denoising import CHOSEN, NEEDS, NETWORKS, PAINTED, Painted, edges_at, paint, room_of
from pipeline.models.stages.restyle_prompt import caption

SEEDS = 2**32


@dataclass(frozen=True)
class _Try:
    painted: Painted
    quality: Quality


class Validate(Stage):
    """Refuse what must not be shown; score the rest, and paint a poor picture once more."""

    name = "validate"
    message = "Checking the result"
    slot = Slot.COMPUTE
    requires = (*NEEDS, DETECTIONS, PAINTED)
    provides = (CHOSEN, QUALITY, SEED)
    networks = (SAFETY, IMAGE_TEXT, DETECTOR, *NETWORKS)

    def run(self, work: Work) -> None:
        """Raises ``DarkroomError`` (``rejected_content``)."""
        painted = work[PAINTED]
        if _unsafe(work, painted):
            raise DarkroomError(
                ErrorCode.REJECTED_CONTENT,
                "The picture that was made is not safe for work and was thrown away. Try other words or another seed.",
            )
        best = _Try(painted, _quality(work, painted))
        if best.quality.score < scores.RETRY_BELOW:
            best = self._once_more(work, best)
        if not best.quality.passed:
            work.note(f"The quality score is {best.quality.score:.2f}: have a look before you show it.")
        work[CHOSEN], work[QUALITY], work[SEED] = best.painted, best.quality, best.painted.seed

    def _once_more(self, work: Work, first: _Try) -> _Try:
        """The better of the first try and one of another seed."""
        seed = (first.painted.seed + 1) % SEEDS
        try:
            with translating(self.name, work.models):
                painted = paint(work, seed, first.painted.fit, "Painting once more with another seed")
                if _unsafe(work, painted):
                    work.unsafe_looks = True
                    return first
                second = _Try(painted, _quality(work, painted))
        except DarkroomError as error:
            # There is a picture, and there was memory for it.
            if error.detail.code is not ErrorCode.OUT_OF_MEMORY:
                raise
            return first
        found = f"{first.quality.score:.2f} and {second.quality.score:.2f}"
        work.note(f"Painted twice, as the first picture was poor: of {found}, the better score is kept.")
        return max(first, second, key=lambda tried: tried.quality.score)


def _unsafe(work: Work, painted: Painted) -> bool:
    with work.use(SAFETY) as held:
        return held[SAFETY].unsafe(painted.picture)


def _quality(work: Work, painted: Painted) -> Quality:
    """At the size that was painted: enlarging adds no detail, and no edges."""
    names, found, fit = list(styles()), work[DETECTIONS], painted.fit
    captions = [caption(styles()[name], room_of(work)) for name in names]
    with work.use(IMAGE_TEXT, DETECTOR) as held:
        similarities = held[IMAGE_TEXT].similarities(painted.picture, captions)
        seen = held[DETECTOR].detect(painted.picture) if found else ()
    again = [Detection(thing.label, fit.box_from_canvas(thing.box), thing.score) for thing in seen]
    return Quality.of(
        structure=scores.structure(edges_at(work[EDGES], fit), painted.picture),
        style=scores.style(similarities, names.index(work.params_as(RestyleRoomParams).style)),
        visual=scores.visual(fit.to_canvas(work[PHOTO]), painted.picture),
        objects=scores.objects(found, again),
    )

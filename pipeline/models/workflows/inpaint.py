"""``inpaint`` on the models engine: SD 1.5 with a prompt, AOT-GAN without one."""

from dataclasses import dataclass

from darkroom.contract.digital_source import DigitalSource
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import Kind
from darkroom.contract.params import InpaintParams
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import PHOTO, RESULT, SAVED, SEED
from pipeline.core.stages import Artifact, Plan, Slot, Stage, StageContext
from pipeline.imaging.holes import Crop, hole_crops
from pipeline.imaging.load_save import LoadPhoto, SaveResult
from pipeline.imaging.masks import HOLE, LoadMask
from pipeline.imaging.poisson_blending import poisson_blended
from pipeline.models.letterbox import TRAINED_SIDE, Letterbox
from pipeline.models.network_registry import SAFETY
from pipeline.models.stages.half_size_retry import retry_at_half_size
from pipeline.models.stages.hole_filling import HOLE_FILLING_NETWORKS, fill_hole

CONTEXT = 0.5  # context on every side of a hole, as a share of its longer side
MARGIN = 64  # minimum context in pixels
MAX_PROMPTED_CROPS = 4  # with a prompt, more crops than this are merged into one


@dataclass(frozen=True)
class Filled:
    """A crop of the photo with its hole filled: h×w×3 uint8 sRGB on ``fit``'s canvas."""

    crop: Crop
    picture: Rgb
    fit: Letterbox


FILLED: Artifact[tuple[Filled, ...]] = Artifact("filled", "each hole's crop of the photo, h×w×3 uint8 on its canvas")
SAFE_FILLED: Artifact[tuple[Filled, ...]] = Artifact(
    "passed", "the crops when nothing in them must be refused; likewise"
)


class FillHoles(Stage):
    """Fill each hole in a crop of its own; at half the size after running out of memory."""

    name = "fill"
    message = "Filling the hole"
    slot = Slot.COMPUTE
    requires = (PHOTO, HOLE)
    provides = (FILLED, SEED)
    networks = HOLE_FILLING_NETWORKS

    def run(self, context: StageContext) -> None:
        """Fill the holes. Raises ``DarkroomError`` (``out_of_memory``) if half the size is too large, too."""
        assert context.network_provider is not None
        side, params = context.network_provider.long_side, context.params_as(InpaintParams)
        margin, min_size = min(MARGIN, side // 4), min(side, TRAINED_SIDE)
        crops = hole_crops(context[HOLE], context=CONTEXT, margin=margin, min_side=min_size)
        if params.prompt and len(crops) > MAX_PROMPTED_CROPS:
            crops = (_bounding_crop(crops),)
        filled = tuple(self._filled(context, crop, number, len(crops)) for number, crop in enumerate(crops))
        scale = min(item.fit.inner_height / item.crop.height for item in filled)
        if scale < 1:
            context.notes.append(f"The hole is large: it was filled at {scale:.0%} of the photo's size and enlarged.")
        context[FILLED], context[SEED] = filled, params.seed

    def _filled(self, context: StageContext, crop: Crop, number: int, count: int) -> Filled:
        photo, hole = crop.view(context[PHOTO]), crop.view(context[HOLE])

        def make(fit: Letterbox) -> Filled:
            picture = fill_hole(
                context,
                fit.to_canvas(photo),
                fit.mask_to_canvas_any(hole),
                lambda fraction, message: context.report((number + fraction) / count, message),
            )
            return Filled(crop, picture, fit)

        assert context.network_provider is not None
        fit = Letterbox.for_photo(crop.height, crop.width, context.network_provider.long_side)
        return retry_at_half_size(context, self.name, make, fit, fit.halved)


class CheckFilledSafety(Stage):
    """Reject unsafe crops, if there is a prompt."""

    name = "validate"
    message = "Checking the result"
    slot = Slot.COMPUTE
    requires = (FILLED,)
    provides = (SAFE_FILLED,)
    networks = (SAFETY,)

    def run(self, context: StageContext) -> None:
        """Check the crops. Raises ``DarkroomError`` (``rejected_content``) if any is unsafe."""
        if context.params_as(InpaintParams).prompt:
            with context.use_networks(SAFETY) as networks:
                unsafe = any(networks[SAFETY].unsafe(item.picture) for item in context[FILLED])
            if unsafe:
                raise DarkroomError(
                    ErrorCode.REJECTED_CONTENT,
                    "The picture that was made is not safe for work and was thrown away. "
                    "Try other words or another seed.",
                )
        context[SAFE_FILLED] = context[FILLED]


class BlendFilled(Stage):
    """Blend the filled crops into the photo's holes, at the photo's resolution."""

    name = "finish"
    message = "Laying it into the photo"
    requires = (PHOTO, HOLE, SAFE_FILLED)
    provides = (RESULT,)

    def run(self, context: StageContext) -> None:
        hole, result = context[HOLE], context[PHOTO].copy()
        filled = context[SAFE_FILLED]
        for number, item in enumerate(filled):
            context.report(number / len(filled))
            part = item.crop.view(result)
            part[:] = poisson_blended(part, item.fit.from_canvas(item.picture), item.crop.view(hole))
        context[RESULT] = result


def _bounding_crop(crops: tuple[Crop, ...]) -> Crop:
    """Return the bounding box of all crops."""
    return Crop(
        min(crop.top for crop in crops),
        min(crop.left for crop in crops),
        max(crop.bottom for crop in crops),
        max(crop.right for crop in crops),
    )


def plan() -> Plan:
    """Build the plan."""
    steps: tuple[tuple[Stage, float], ...] = (
        (LoadPhoto(), 0.03),
        (LoadMask(allow_full_mask=True), 0.02),
        (FillHoles(), 0.8),
        (CheckFilledSafety(), 0.05),
        (BlendFilled(), 0.05),
        (SaveResult(DigitalSource.COMPOSITE_WITH_TRAINED), 0.05),
    )
    return Plan(Kind.INPAINT, Engine.MODELS, steps, results=(SAVED, SEED))

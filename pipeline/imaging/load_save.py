"""Load and save stages: the first and last stage of kinds that turn one photo into one picture."""

from darkroom.contract.digital_source import DigitalSource
from darkroom.contract.params import Format
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import PHOTO, RESULT, SAVED, SavedPicture
from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.decoding.client import decode_picture
from pipeline.decoding.picture_decoder import Alpha
from pipeline.imaging.codec import on_white, save_jpeg, save_png, thumbnail


class LoadPhoto(Stage):
    """Decode the uploaded photo within the limits, composited on white."""

    name = "load"
    message = "Opening the photo"
    slot = Slot.CPU
    provides = (PHOTO,)
    depends_on_params = ()

    def run(self, context: StageContext) -> None:
        context[PHOTO] = on_white(decode_picture(context.files["photo"], context.check))


class SaveResult(Stage):
    """Encode the result and a thumbnail. The format is the params' ``format``, JPEG if they have none.

    ``source`` is the IPTC Digital Source Type written into the result's metadata.
    """

    name = "save"
    message = "Saving the result"
    slot = Slot.CPU
    requires = (RESULT,)
    provides = (SAVED,)

    def __init__(self, source: DigitalSource = DigitalSource.TRAINED_ALGORITHMIC_MEDIA) -> None:
        self._source = source

    def run(self, context: StageContext) -> None:
        result = context[RESULT]
        small = save_thumbnail(result, context)
        context.report(0.2)
        context[SAVED] = (save_picture(result, None, context, source=self._source, photographic=True), small)


def save_picture(
    result: Rgb,
    alpha: Alpha | None,
    context: StageContext,
    *,
    name: str = "result",
    source: DigitalSource = DigitalSource.TRAINED_ALGORITHMIC_MEDIA,
    photographic: bool = False,
) -> SavedPicture:
    """Encode H×W×3 uint8, and H×W alpha if any, into the job's folder.

    The format is the params' ``format``, JPEG if they have none; a picture with alpha is always a PNG, compressed as
    ``save_png`` says. Cancellation is checked at every write, as a large PNG takes half a minute. Progress is not
    reported.
    """
    height, width = result.shape[:2]
    if alpha is not None or getattr(context.params, "format", Format.JPEG) is Format.PNG:
        path = context.folder / f"{name}.png"
        save_png(result, alpha, path, source=source, photographic=photographic, on_write=lambda: context.report(0))
        return SavedPicture(name, path, "image/png", width, height)
    path = context.folder / f"{name}.jpg"
    save_jpeg(result, path, source=source, on_write=lambda: context.report(0))
    return SavedPicture(name, path, "image/jpeg", width, height)


def save_thumbnail(result: Rgb, context: StageContext, *, name: str = "thumbnail") -> SavedPicture:
    """Write a small JPEG of H×W×3 uint8 into the job's folder."""
    small = thumbnail(result)
    path = context.folder / f"{name}.jpg"
    save_jpeg(small, path)
    return SavedPicture(name, path, "image/jpeg", small.shape[1], small.shape[0])

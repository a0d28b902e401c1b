"""The first and the last stage of every kind that makes one picture of one photo."""

from pipeline.artifacts import PHOTO, RESULT, SAVED, Rgb, SavedPicture
from pipeline.picture import decode, on_white, save_jpeg, save_png, thumbnail
from pipeline.requests import Format
from pipeline.stages import Slot, Stage, Work


class LoadPhoto(Stage):
    """Decode the uploaded photo within the limits; what is transparent becomes white."""

    name = "load"
    message = "Opening the photo"
    slot = Slot.CPU
    provides = (PHOTO,)
    depends = ()

    def run(self, work: Work) -> None:
        work[PHOTO] = on_white(decode(work.files["photo"]))


class SaveResult(Stage):
    """Encode the result in the format that the params ask for, JPEG if they have none, and a thumbnail."""

    name = "save"
    message = "Saving the result"
    slot = Slot.CPU
    requires = (RESULT,)
    provides = (SAVED,)

    def run(self, work: Work) -> None:
        result = work[RESULT]
        saved = save_thumbnail(result, work)
        work.report(0.2)
        height, width = result.shape[:2]
        if getattr(work.params, "format", Format.JPEG) is Format.PNG:
            path, content_type = work.folder / "result.png", "image/png"
            save_png(result, None, path)
        else:
            path, content_type = work.folder / "result.jpg", "image/jpeg"
            save_jpeg(result, path)
        work[SAVED] = (SavedPicture("result", path, content_type, width, height), saved)


def save_thumbnail(result: Rgb, work: Work) -> SavedPicture:
    """Write ``thumbnail.jpg`` of H×W×3 uint8 into the job's folder."""
    small = thumbnail(result)
    path = work.folder / "thumbnail.jpg"
    save_jpeg(small, path)
    return SavedPicture("thumbnail", path, "image/jpeg", small.shape[1], small.shape[0])

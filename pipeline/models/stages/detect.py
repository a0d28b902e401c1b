"""Object detection stage."""

from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import PHOTO
from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.models.artifacts import DETECTIONS
from pipeline.models.interfaces import Detection, Detector
from pipeline.models.network_registry import DETECTOR

MIN_SCORE = 0.3  # minimum score of a detection
MAX_DETECTIONS = 50  # maximum per photo; those with the highest scores


class Detect(Stage):
    """Detect objects of the COCO classes in the photo."""

    name = "detect"
    message = "Looking for furniture and people"
    slot = Slot.COMPUTE
    requires = (PHOTO,)
    provides = (DETECTIONS,)
    networks = (DETECTOR,)
    depends_on_params = ()
    cacheable = True

    def run(self, context: StageContext) -> None:
        with context.use_networks(DETECTOR) as networks:
            context[DETECTIONS] = confident_detections(networks[DETECTOR], context[PHOTO])


def confident_detections(detector: Detector, photo: Rgb) -> tuple[Detection, ...]:
    """Detect objects in H×W×3 uint8 sRGB with a score of 0.3 or more: at most 50, highest score first.

    Boxes are clipped to the photo.
    """
    height, width = photo.shape[:2]
    found = []
    for each in detector.detect(photo):
        left, top, right, bottom = each.box
        box = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
        if each.score >= MIN_SCORE and box[2] - box[0] >= 1 and box[3] - box[1] >= 1:
            found.append(Detection(each.label, box, each.score))
    return tuple(sorted(found, key=lambda each: -each.score)[:MAX_DETECTIONS])

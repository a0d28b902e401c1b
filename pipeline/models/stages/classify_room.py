"""Room classification: recognises the room in the photo by zero-shot classification."""

from darkroom.contract.params import RestyleRoomParams, Room
from darkroom.contract.results import RecognisedRoom
from pipeline.core.artifacts import PHOTO, ROOM
from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.models.network_registry import IMAGE_TEXT

MIN_CONFIDENCE = 0.6  # minimum probability of a sure answer
# Zero-shot classification by captions, several to a class: Radford et al., Learning Transferable Visual Models, 2021.
TEMPLATES = ("a photo of a {}", "the interior of a {}", "a real estate photo of a {}")
# Captions for photos of anything else. Without them, every photo would surely be one of the rooms.
OTHER_CAPTIONS = (
    "a photo of a hallway",
    "a photo of a garden",
    "a photo of the outside of a building",
    "a photo of a landscape",
    "a portrait of a person",
    "a close-up of an object",
    "a drawing",
)


class Classify(Stage):
    """Recognise the room, unless the params name it."""

    name = "classify"
    message = "Recognising the room"
    slot = Slot.COMPUTE
    requires = (PHOTO,)
    provides = (ROOM,)
    networks = (IMAGE_TEXT,)
    depends_on_params = ("room",)
    cacheable = True

    def run(self, context: StageContext) -> None:
        if context.params_as(RestyleRoomParams).room is not None:
            context[ROOM] = None
            return
        captions = [template.format(room.words) for room in Room for template in TEMPLATES]
        with context.use_networks(IMAGE_TEXT) as networks:
            probabilities = networks[IMAGE_TEXT].probabilities(context[PHOTO], [*captions, *OTHER_CAPTIONS])
        room_probabilities = probabilities[: len(captions)].reshape(len(Room), len(TEMPLATES)).sum(axis=1)
        best = int(room_probabilities.argmax())
        room, confidence = list(Room)[best], round(min(float(room_probabilities[best]), 1.0), 4)
        context[ROOM] = RecognisedRoom(room=room, confidence=confidence, sure=confidence >= MIN_CONFIDENCE)
        if confidence < MIN_CONFIDENCE:
            context.notes.append(
                f"It is not certain what room this is; it was taken for a {room.words}. "
                "Naming the room in the request may help."
            )

"""COCO object names: the 80 classes in the order of their numbers, and common aliases."""

from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

# Lin et al., Microsoft COCO: Common Objects in Context, 2014.
OBJECTS = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich",
    "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed",
    "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven",
    "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
PERSON = "person"
THING = "thing"  # label of an object of unknown class

# Common names that are accepted in requests.
ALIASES = {
    "sofa": "couch",
    "plant": "potted plant",
    "table": "dining table",
    "television": "tv",
    "fridge": "refrigerator",
    "people": PERSON,
}


def _known(name: str) -> str:
    word = " ".join(name.lower().replace("_", " ").split())
    word = ALIASES.get(word, word)
    if word not in OBJECTS:
        names = [*OBJECTS, *ALIASES]
        close = get_close_matches(word, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"choose among: {', '.join(names)}"
        raise ValueError(f"unknown object {name!r}; {hint}")
    return word


ObjectName = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "examples": ["sofa", "plant"], "maxLength": 40})
]

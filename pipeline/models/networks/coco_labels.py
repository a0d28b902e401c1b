"""What detectors call things, in the contract's words."""

from collections.abc import Mapping

from darkroom.contract.coco_objects import OBJECTS

# Where trainers' lists of the COCO classes differ from the data set's own (they follow Pascal VOC's names).
_OTHERWISE = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}


def known_labels(names: Mapping[int, str]) -> dict[int, str]:
    """A network's own class names by number, as ``coco_objects`` of the contract has them; others are left out.

    Raises ``ValueError`` when none of them is known: the network was trained on something else.

    >>> known_labels({0: "person", 57: "sofa", 90: "unicorn"})
    {0: 'person', 57: 'couch'}
    """
    words = {number: _OTHERWISE.get(name.lower(), name.lower()) for number, name in names.items()}
    known = {number: word for number, word in words.items() if word in OBJECTS}
    if not known:
        raise ValueError(f"none of the {len(names)} classes is one of COCO's")
    return known

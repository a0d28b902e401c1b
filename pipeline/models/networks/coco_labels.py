"""COCO labels: maps detectors' class names to the contract's object names."""

from collections.abc import Mapping

from darkroom.contract.coco_objects import OBJECTS

# Some trainers' lists of the COCO classes use Pascal VOC's names instead of the data set's own.
_ALIASES = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}


def known_labels(names: Mapping[int, str]) -> dict[int, str]:
    """Translate a network's class names, by number, to those of ``coco_objects``; leave others out.

    Raises ``ValueError`` if none is known, as the network was then trained on another data set.

    >>> known_labels({0: "person", 57: "sofa", 90: "unicorn"})
    {0: 'person', 57: 'couch'}
    """
    words = {number: _ALIASES.get(name.lower(), name.lower()) for number, name in names.items()}
    known = {number: word for number, word in words.items() if word in OBJECTS}
    if not known:
        raise ValueError(f"none of the {len(names)} classes is one of COCO's")
    return known

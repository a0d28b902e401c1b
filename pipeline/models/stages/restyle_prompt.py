"""The words that the diffusion model, and whoever judges its picture, are given."""

from darkroom.contract.params import Room
from darkroom.contract.results import RecognisedRoom
from darkroom.contract.styles import Style

UNWANTED = "blurry, distorted, deformed, lowres, watermark, text"


def prompt(style: Style, room: str, words: str = "") -> str:
    """What the picture should show: ours first, so that what is too long is cut off the caller's ``words``.

    >>> from darkroom.contract.styles import styles
    >>> prompt(styles()["minimalist"], "kitchen", "a blue rug").startswith("interior photograph of a kitchen")
    True
    """
    return _joined(f"interior photograph of a {room}", style.prompt, words)


def negative_prompt(words: str = "") -> str:
    """What it should not show.

    >>> negative_prompt("plants").split(", ")[-2:]
    ['text', 'plants']
    """
    return _joined(UNWANTED, words)


def caption(style: Style, room: str) -> str:
    """What a picture in the style shows, to be compared with the other styles'."""
    return _joined(f"a photo of a {style.title} {room}", style.prompt)


def room_words(named: Room | None, recognised: RecognisedRoom | None) -> str:
    """The room that the caller named, else the one that it was taken for.

    >>> room_words(Room.LIVING_ROOM, None)
    'living room'
    >>> room_words(None, None)
    'room'
    """
    if named is None and recognised is not None:
        named = recognised.room
    return "room" if named is None else named.words


def _joined(*parts: str) -> str:
    return ", ".join(part for part in (" ".join(part.split()).strip(" ,") for part in parts) if part)

"""The words that the diffusion model, and whoever judges its picture, are given."""

from darkroom.contract.params import Room
from darkroom.contract.results import RecognisedRoom
from darkroom.contract.styles import Style

UNWANTED = "blurry, distorted, deformed, lowres, watermark, text"


def restyle_prompt(style: Style, room: str, words: str = "") -> str:
    """What the picture should show: ours first, so that what is too long is cut off the caller's ``words``.

    >>> from darkroom.contract.styles import styles
    >>> restyle_prompt(styles()["minimalist"], "kitchen", "a blue rug").startswith("interior photograph of a kitchen")
    True
    """
    return _joined(f"interior photograph of a {room}", style.prompt, words)


def restyle_negative_prompt(words: str = "") -> str:
    """What it should not show.

    >>> restyle_negative_prompt("plants").split(", ")[-2:]
    ['text', 'plants']
    """
    return _joined(UNWANTED, words)


def style_caption(style: Style, room: str) -> str:
    """What a picture in the style shows, to be compared with the other styles'."""
    return _joined(f"a photo of a {style.title} {room}", style.prompt)


def room_name(named: Room | None, recognised: RecognisedRoom | None) -> str:
    """The room that the caller named, else the one that it was taken for.

    >>> room_name(Room.LIVING_ROOM, None)
    'living room'
    >>> room_name(None, None)
    'room'
    """
    if named is None and recognised is not None:
        named = recognised.room
    return "room" if named is None else named.words


def _joined(*parts: str) -> str:
    return ", ".join(part for part in (" ".join(part.split()).strip(" ,") for part in parts) if part)

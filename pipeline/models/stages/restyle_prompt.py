"""Prompts of ``restyle_room``: for the diffusion model, and captions for scoring the style."""

from darkroom.contract.params import Room
from darkroom.contract.results import RecognisedRoom
from darkroom.contract.styles import Style

NEGATIVE_PROMPT = "blurry, distorted, deformed, lowres, watermark, text"


def restyle_prompt(style: Style, room: str, words: str = "") -> str:
    """Build the prompt: room and style first, so that truncation only affects the caller's ``words``.

    >>> from darkroom.contract.styles import styles
    >>> restyle_prompt(styles()["minimalist"], "kitchen", "a blue rug").startswith("interior photograph of a kitchen")
    True
    """
    return _joined(f"interior photograph of a {room}", style.prompt, words)


def restyle_negative_prompt(words: str = "") -> str:
    """Build the negative prompt: ours first, then the caller's ``words``.

    >>> restyle_negative_prompt("plants").split(", ")[-2:]
    ['text', 'plants']
    """
    return _joined(NEGATIVE_PROMPT, words)


def style_caption(style: Style, room: str) -> str:
    """Build the caption of a picture in the style, for comparison with the other styles' captions."""
    return _joined(f"a photo of a {style.title} {room}", style.prompt)


def room_name(named: Room | None, recognised: RecognisedRoom | None) -> str:
    """Return the room's name in words: the one that the caller named, else the recognised one.

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

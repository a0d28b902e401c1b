"""Demo samples of each kind: inputs, params, and the sheet that shows the result."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from darkroom.contract.requests import Kind
from darkroom.contract.styles import styles
from darkroom.contract.uploads import AvatarReference
from infra.commands.comparison_sheet import Panel, details, marked, side_by_side, upright
from infra.commands.contact_sheet import contact_sheet

# Factor by which the upscale demo reduces the sample before it is upscaled.
REDUCED = 4
LIVING_ROOM = "living_room.jpg"
AMARA = AvatarReference(avatar="amara")

Pictures = Mapping[str, Path]


@dataclass(frozen=True)
class DemoSample:
    """Demo of one kind: ``samples`` maps each role to a file of ``infra/commands/samples``, or to an avatar.

    ``sheet`` is the file name of the sheet. ``panels`` makes its pictures from inputs by role, result, params, and True
    if the input is the sample. Without ``panels``, the sheet shows frames of the resulting video. ``photo`` is the role
    of the PHOTO argument. ``own`` and ``command`` are arguments for the suggested next command.
    """

    samples: Mapping[str, str | AvatarReference]
    sheet: str
    own: str
    command: str
    panels: Callable[[Pictures, Path, Mapping[str, Any], bool], list[Panel]] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    photo: str = "photo"
    reduce: bool = False


def sample(name: str) -> AbstractContextManager[Path]:
    """Return a context manager for the path of a sample file."""
    return as_file(files("infra.commands") / "samples" / name)


def reduced(photo: Path, folder: Path) -> Path:
    """Write the photo at a quarter of its size as ``small.png`` in ``folder``; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "small.png"
    upright(photo).reduce(REDUCED).save(target, "PNG")
    return target


def draw_sheet(
    exhibit: DemoSample, pictures: Pictures, result: Path, params: Mapping[str, Any], *, sampled: bool
) -> Path:
    """Write the sheet beside the result; return its path. Raises ``ModuleNotFoundError`` for a video without PyAV."""
    if exhibit.panels is None:
        return contact_sheet(result, result.parent / exhibit.sheet)
    return side_by_side(exhibit.panels(pictures, result, params, sampled), result.parent / exhibit.sheet)


def _restyled(pictures: Pictures, result: Path, params: Mapping[str, Any], _sampled: bool) -> list[Panel]:
    after = f"after: {styles()[params['style']].title}"
    return [("before", upright(pictures["photo"])), (after, upright(result))]


def _filled(pictures: Pictures, result: Path, _params: Mapping[str, Any], _sampled: bool) -> list[Panel]:
    photo = upright(pictures["photo"])
    mask = marked(photo, upright(pictures["mask"]))
    return [("photo", photo), ("mask: what is filled", mask), ("result", upright(result))]


def _swapped(pictures: Pictures, result: Path, _params: Mapping[str, Any], _sampled: bool) -> list[Panel]:
    source, target = upright(pictures["source"]), upright(pictures["target"])
    return [("source: the face", source), ("target", target), ("result", upright(result))]


def _enlarged(pictures: Pictures, result: Path, params: Mapping[str, Any], sampled: bool) -> list[Panel]:
    small, large = upright(pictures["photo"]), upright(result)
    original = None
    if sampled:
        with sample(LIVING_ROOM) as path:
            original = upright(path)
    (plain, bicubic), (ours, enlarged), *others = details(small, large, original)
    return [(f"{plain} {params['scale']:g}x", bicubic), (f"{ours} {params['scale']:g}x", enlarged), *others]


def _found(pictures: Pictures, result: Path, _params: Mapping[str, Any], _sampled: bool) -> list[Panel]:
    return [("photo", upright(pictures["photo"])), ("what was found", upright(result))]


DEMO_SAMPLES: dict[Kind, DemoSample] = {
    Kind.RESTYLE_ROOM: DemoSample(
        samples={"photo": LIVING_ROOM},
        sheet="before_after.png",
        panels=_restyled,
        params={"style": "scandinavian"},
        own="PHOTO=me.jpg",
        command="me.jpg --style {style}",
    ),
    Kind.INPAINT: DemoSample(
        samples={"photo": LIVING_ROOM, "mask": "living_room_mask.png"},
        sheet="filled.png",
        panels=_filled,
        own="PHOTO=me.jpg MASK=mask.png",
        command="me.jpg --mask mask.png",
    ),
    Kind.FACE_SWAP: DemoSample(
        samples={"source": "face_source.jpg", "target": "face_target.jpg"},
        sheet="swapped.png",
        panels=_swapped,
        params={"consent": True},
        own="SOURCE=face.jpg TARGET=me.jpg CONSENT=yes",
        command="face.jpg me.jpg --consent",
    ),
    Kind.UPSCALE: DemoSample(
        samples={"photo": LIVING_ROOM},
        sheet="detail.png",
        panels=_enlarged,
        params={"scale": float(REDUCED)},
        own="PHOTO=small.jpg",
        command="small.jpg --scale 4",
        reduce=True,
    ),
    Kind.FIND_OBJECTS: DemoSample(
        samples={"photo": LIVING_ROOM},
        sheet="found.png",
        panels=_found,
        own="PHOTO=me.jpg",
        command="me.jpg",
    ),
    Kind.RENDER_VIDEO: DemoSample(
        samples={"avatar": AMARA},
        sheet="frames.png",
        params={
            "script": "Hello! I am Amara, and nobody ever took a photo of me. "
            "Give me your words, and I will say them for you.",
            "subtitles": "both",
            "aspect": "9:16",
        },
        photo="avatar",
        own="PHOTO=me.jpg",
        command='me.jpg --script "Hello there." --subtitles both',
    ),
    Kind.RENDER_SCENES: DemoSample(
        samples={"scene_1_picture": LIVING_ROOM, "scene_2_avatar": AMARA, "music": "music.ogg"},
        sheet="frames.png",
        params={
            "scenes": [
                {
                    "type": "image",
                    "picture": "scene_1_picture",
                    "script": "This is a living room, and it has waited long for somebody to look at it.",
                },
                {
                    "type": "avatar",
                    "avatar": "scene_2_avatar",
                    "script": "I like it as it is. But imagine what a little light would do!",
                },
                {"type": "image", "picture": "scene_1_picture", "seconds": 3},
            ],
            "subtitles": "both",
            "aspect": "16:9",
            "transition": "fade",
        },
        photo="scene_1_picture",
        own="PHOTO=room.jpg",
        command="scenes.json   (its --help shows such a file)",
    ),
}

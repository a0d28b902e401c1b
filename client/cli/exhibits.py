"""What the demo shows of each kind: pictures to try it on, params, and the sheet that tells what became of them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from client.comparison import Panel, details, marked, side_by_side, upright
from pipeline.requests import Kind
from pipeline.styles import styles

# How much smaller the upscale demo makes the sample first, to give it its size back.
REDUCED = 4

Pictures = Mapping[str, Path]


@dataclass(frozen=True)
class Exhibit:
    """One kind's demo: ``samples`` names a file of ``client/sample`` for each role.

    ``sheet`` is the name of the picture that ``panels`` (of the pictures by role, the result, the params, and whether
    it is the sample) goes to; ``own`` and ``command`` are words for the next try.
    """

    samples: Mapping[str, str]
    sheet: str
    panels: Callable[[Pictures, Path, Mapping[str, Any], bool], list[Panel]]
    own: str
    command: str
    params: Mapping[str, Any] = field(default_factory=dict)
    reduce: bool = False


def sample(name: str) -> AbstractContextManager[Path]:
    """A file of the samples, on this disk for the time of the context."""
    return as_file(files("client") / "sample" / name)


def reduced(photo: Path, folder: Path) -> Path:
    """The photo at a quarter of its size, as ``small.png`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "small.png"
    upright(photo).reduce(REDUCED).save(target, "PNG")
    return target


def draw(exhibit: Exhibit, pictures: Pictures, result: Path, params: Mapping[str, Any], *, sampled: bool) -> Path:
    """Write the sheet beside the result: its path."""
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
        with sample(EXHIBITS[Kind.UPSCALE].samples["photo"]) as path:
            original = upright(path)
    (plain, bicubic), (ours, enlarged), *others = details(small, large, original)
    return [(f"{plain} {params['scale']:g}x", bicubic), (f"{ours} {params['scale']:g}x", enlarged), *others]


EXHIBITS: dict[Kind, Exhibit] = {
    Kind.RESTYLE_ROOM: Exhibit(
        samples={"photo": "living_room.jpg"},
        sheet="before_after.png",
        panels=_restyled,
        params={"style": "scandinavian"},
        own="PHOTO=me.jpg",
        command="me.jpg --style {style}",
    ),
    Kind.INPAINT: Exhibit(
        samples={"photo": "living_room.jpg", "mask": "living_room_mask.png"},
        sheet="filled.png",
        panels=_filled,
        own="PHOTO=me.jpg MASK=mask.png",
        command="me.jpg --mask mask.png",
    ),
    Kind.FACE_SWAP: Exhibit(
        samples={"source": "face_source.jpg", "target": "face_target.jpg"},
        sheet="swapped.png",
        panels=_swapped,
        params={"consent": True},
        own="SOURCE=face.jpg TARGET=me.jpg CONSENT=yes",
        command="face.jpg me.jpg --consent",
    ),
    Kind.UPSCALE: Exhibit(
        samples={"photo": "living_room.jpg"},
        sheet="detail.png",
        panels=_enlarged,
        params={"scale": float(REDUCED)},
        own="PHOTO=small.jpg",
        command="small.jpg --scale 4",
        reduce=True,
    ),
}

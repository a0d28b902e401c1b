"""Demo samples: input files of the demos, and the sheet that shows inputs and result side by side."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from darkroom.contract.kinds import KINDS, LIVING_ROOM, Kind
from darkroom.contract.styles import styles
from infra.commands.comparison_sheet import Panel, details, marked, side_by_side, upright
from infra.commands.contact_sheet import contact_sheet

REDUCTION = 4  # of the upscale demo's sample, before it is upscaled

Pictures = Mapping[str, Path]
Panels = Callable[[Pictures, Path, Mapping[str, Any], bool], list[Panel]]


def sample(name: str) -> AbstractContextManager[Path]:
    """Return a context manager for the path of a sample file."""
    return as_file(files("infra.commands") / "samples" / name)


def reduced(photo: Path, folder: Path) -> Path:
    """Write the photo at a quarter of its size as ``small.png`` in ``folder``; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "small.png"
    upright(photo).reduce(REDUCTION).save(target, "PNG")
    return target


def draw_sheet(kind: Kind, pictures: Pictures, result: Path, params: Mapping[str, Any], *, sampled: bool) -> Path:
    """Write the sheet beside the result; return its path.

    It shows inputs by role and the result, or frames of a video. ``sampled`` is True if the inputs are the samples.
    Raises ``ModuleNotFoundError`` for a video without PyAV.
    """
    definition = KINDS[kind]
    assert definition.demo is not None
    sheet = result.parent / definition.demo.sheet
    if definition.makes_video:
        return contact_sheet(result, sheet)
    return side_by_side(PANELS.get(kind, _inputs_and_result)(pictures, result, params, sampled), sheet)


def _inputs_and_result(pictures: Pictures, result: Path, _params: Mapping[str, Any], _sampled: bool) -> list[Panel]:
    return [*((role, upright(path)) for role, path in pictures.items()), ("result", upright(result))]


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


# Kinds whose sheet says more than inputs and result do.
PANELS: Mapping[Kind, Panels] = {
    Kind.RESTYLE_ROOM: _restyled,
    Kind.INPAINT: _filled,
    Kind.FACE_SWAP: _swapped,
    Kind.UPSCALE: _enlarged,
    Kind.FIND_OBJECTS: _found,
}

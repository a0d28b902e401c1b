"""Thumbnails of the studio's style cards: the preview engine renders every style of ``restyle_room`` on the sample.

``python studio/scripts/style_thumbnails.py`` writes ``public/styles/restyle_room/NAME.webp``. The styles of
``generate`` have no thumbnails: the preview engine cannot render them.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.params import RestyleRoomParams, Room
from darkroom.contract.styles import styles
from pipeline.core.arrays import Rgb
from pipeline.core.artifacts import RESULT
from pipeline.core.stages import StageContext
from pipeline.plans import get_plan

WEB = Path(__file__).resolve().parents[1]
SAMPLE = WEB.parent / "infra" / "commands" / "samples" / "living_room.jpg"
SIZE = (320, 213)
QUALITY = 74


def restyled(photo: Path, style: str, folder: Path) -> Rgb:
    """The photo in a style: H×W×3 uint8, as the preview engine makes it."""
    params = RestyleRoomParams.model_validate({"style": style, "room": Room.LIVING_ROOM})
    context = StageContext(params, {"photo": photo}, folder)
    for stage, _ in get_plan(Kind.RESTYLE_ROOM, Engine.PREVIEW).steps:
        context.enter_stage(stage)
        stage.run(context)
    context.enter_stage(None)
    return np.asarray(context[RESULT])


def thumbnail(picture: Rgb, size: tuple[int, int] = SIZE) -> Image.Image:
    """The middle of a picture, cut to the shape of ``size`` and reduced to it."""
    image = Image.fromarray(picture)
    wanted = size[0] / size[1]
    width = min(image.width, round(image.height * wanted))
    height = min(image.height, round(image.width / wanted))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.LANCZOS)


def main(arguments: list[str]) -> int:
    """Write one picture a style."""
    parser = argparse.ArgumentParser(description="Make the studio's style thumbnails.")
    parser.add_argument("--photo", type=Path, default=SAMPLE)
    parser.add_argument("--output", type=Path, default=WEB / "public" / "styles" / Kind.RESTYLE_ROOM.value)
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    for name in styles():
        with TemporaryDirectory() as folder:
            made = thumbnail(restyled(options.photo, name, Path(folder)))
        path = options.output / f"{name}.webp"
        made.save(path, quality=QUALITY, method=6)
        sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

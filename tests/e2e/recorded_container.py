"""The container of a recorded version, as the module that an instance of the stand-in runs."""

import runpy
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests" / "recorded" / "0.1.0" / "container.zip"
FONTS = Path("pipeline", "subtitles", "fonts")


def unpack(folder: Path) -> None:
    """Unpack the recorded source, with the fonts of this checkout, which are too large to be recorded."""
    with zipfile.ZipFile(SOURCE) as source:
        source.extractall(folder)
    for font in (*(ROOT / FONTS).glob("*.otf"), *(ROOT / FONTS).glob("*.ttf")):
        shutil.copy(font, folder / FONTS / font.name)


def main() -> None:
    """Serve as the recorded container until told to stop. The stack removes its folder of temporary files."""
    folder = Path(tempfile.mkdtemp(prefix="recorded-container-"))
    unpack(folder)
    sys.path.insert(0, str(folder))
    runpy.run_module("containers.gpu", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

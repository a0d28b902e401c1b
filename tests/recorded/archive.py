"""Source of the GPU container's image, as a zip whose bytes depend on its contents alone."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.recorded import today

ROOT = Path(__file__).parents[2]
NAME = "container.zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the least a zip can say


def source_files() -> Iterator[str]:
    """The files that the Dockerfile copies and its .dockerignore lets through, without those left out; sorted."""
    for folder in sorted(today.CONTAINER_FOLDERS):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            parts = name.split("/")
            ignored = "__pycache__" in parts or any(part.startswith(".") for part in parts)
            if path.is_file() and not ignored and name not in today.CONTAINER_LEFT_OUT:
                yield name


def write(target: Path) -> None:
    """Write the archive to the file ``target``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name in source_files():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (ROOT / name).read_bytes(), compresslevel=9)

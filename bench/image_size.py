"""Size of the cpu lane's image, computed from its lock for each platform: the image is never built here.

``python -m bench.image_size`` installs the wheels of both platforms into a temporary folder (it takes the network),
removes what the Dockerfile removes, compiles, and writes ``containers/cpu/image_size.json``. A test holds the record to
the lock and to ``MAX_MB``.
"""

import compileall
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from containers.cpu.unused_packages import remove_unused
from infra.bundling.functions import PYTHON_VERSION, ROOT, digest, files_under, install_packages

LOCK = "requirements-cpu.lock"
RECORD = ROOT / "containers" / "cpu" / "image_size.json"
# The default platform's wheels are smaller: those of x86_64 carry larger builds of OpenBLAS and FFmpeg.
MAX_MB = {"linux/arm64": 600, "linux/amd64": 650}
# Uncompressed, as published descriptions of python:3.13-slim state it.
BASE_MB = 150
CODE = ("pipeline", "containers", "cloud", "darkroom/__init__.py", "darkroom/contract")
PLATFORMS = {"linux/amd64": "x86_64-manylinux_2_28", "linux/arm64": "aarch64-manylinux_2_28"}


class ImageSize(BaseModel):
    """Megabytes of an image: its packages by platform, its code and its base. ``lock`` is the digest of the lock."""

    model_config = ConfigDict(extra="forbid")

    lock: str
    base_mb: int
    code_mb: float
    packages_mb: dict[str, float]

    @property
    def total_mb(self) -> dict[str, float]:
        """Megabytes of the whole image by platform."""
        return {name: round(self.base_mb + self.code_mb + each) for name, each in self.packages_mb.items()}

    @classmethod
    def read(cls) -> "ImageSize":
        """Read the record."""
        return cls.model_validate_json(RECORD.read_text("utf-8"))


def lock_digest() -> str:
    """Return the digest of the lock that the record belongs to."""
    return digest([Path(LOCK)])


def measure() -> ImageSize:
    """Install and measure the packages of each platform."""
    packages = {}
    for name, platform in PLATFORMS.items():
        with tempfile.TemporaryDirectory(prefix="darkroom-image-") as folder:
            target = Path(folder)
            install_packages(
                target,
                *("--requirement", str(ROOT / LOCK), "--require-hashes"),
                *("--python-platform", platform, "--python-version", PYTHON_VERSION),
            )
            remove_unused(target)
            compileall.compile_dir(target, quiet=2, workers=1)
            packages[name] = _megabytes(target.rglob("*"))
    return ImageSize(
        lock=lock_digest(),
        base_mb=BASE_MB,
        code_mb=_megabytes(ROOT / path for path in files_under(*CODE)),
        packages_mb=packages,
    )


def _megabytes(paths: Iterable[Path]) -> float:
    return round(sum(path.stat().st_size for path in paths if path.is_file()) / 1e6, 1)


if __name__ == "__main__":
    found = measure()
    RECORD.write_text(json.dumps(found.model_dump(), indent=2) + "\n", "utf-8")
    print(found.total_mb)

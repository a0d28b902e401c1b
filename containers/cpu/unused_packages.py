"""Unused packages: removes what the function never loads of its image's packages, at the image's build.

botocore carries the description of every service of AWS, of which the function calls four. NumPy and others carry their
tests.
"""

import shutil
import sys
from pathlib import Path

SERVICES = frozenset({"dynamodb", "polly", "s3", "sns"})
# A module of NumPy's that its tests have in common with numpy.testing.
KEPT_TESTS = frozenset({"__init__.py", "_natype.py"})


def remove_unused(packages: Path) -> None:
    """Remove tests, and botocore's descriptions of other services, from a folder of installed packages."""
    for folder in (packages / "botocore" / "data").iterdir():
        if folder.is_dir() and folder.name not in SERVICES:
            shutil.rmtree(folder)
    for tests in [folder for folder in packages.rglob("tests") if folder.is_dir()]:
        for path in tests.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in KEPT_TESTS:
                path.unlink()


if __name__ == "__main__":
    remove_unused(Path(sys.argv[1]))

"""``python -m tests.recorded VERSION``: record what today's code stores, deploys and says, as that version.

The files of a version are never made again: ``--to`` writes to another folder, ``--check`` says what differs by now.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import pytest

from darkroom import __version__
from tests.recorded import files

HERE = Path(__file__).parent


def record(folder: Path, chosen: str | None = None) -> int:
    """Record into ``folder``; pytest's exit status."""
    os.environ["DARKROOM_RECORD_TO"] = str(folder)
    choice = ["-k", chosen] if chosen else []
    flags = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--timeout=1800"]
    return int(pytest.main([str(HERE / "recording.py"), *flags, *choice]))


def check(recorded: Path, now: Path) -> int:
    """Say which files of a recording are not what today's code makes; 1 if there are any."""
    old, new = ({path.relative_to(root) for path in root.rglob("*") if path.is_file()} for root in (recorded, now))
    found = [f"{path}: gone" for path in sorted(old - new)] + [f"{path}: new" for path in sorted(new - old)]
    found += [
        f"{path}: differs" for path in sorted(old & new) if (recorded / path).read_bytes() != (now / path).read_bytes()
    ]
    print("\n".join(found) or "nothing differs")  # noqa: T201 - a command talks to its user
    return int(bool(found))


def main() -> int:
    """Exit status: 0, 1 when something differs or could not be recorded, 2 for a version that is there already."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorded", description=__doc__)
    parser.add_argument("version", help="the version that is recorded, as pyproject.toml says it")
    parser.add_argument("--to", type=Path, help="another folder than tests/recorded/VERSION")
    parser.add_argument("--check", action="store_true", help="record into a temporary folder, and compare")
    parser.add_argument("--only", help="of the recording's functions those whose name contains this")
    arguments = parser.parse_args()
    recorded = files.FOLDER / arguments.version
    if arguments.check:
        with tempfile.TemporaryDirectory() as name:
            return record(Path(name), arguments.only) or check(recorded, Path(name))
    target = arguments.to or recorded
    if arguments.version != __version__:
        parser.error(f"this is {__version__}: check it out as {arguments.version} to record that")
    if target == recorded and recorded.exists():
        parser.error(f"{recorded} is there: the files of a version are not made again; see --to and --check")
    return record(target.resolve(), arguments.only)


if __name__ == "__main__":
    sys.exit(main())

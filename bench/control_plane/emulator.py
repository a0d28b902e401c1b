"""Starts the emulator with a call log: ``python -m bench.control_plane.emulator``."""

import os
from pathlib import Path

from ministack import app as ministack

from bench.control_plane import CALL_LOG
from bench.control_plane.call_log import CallLog
from infra.local.access import __main__ as access


def main() -> None:
    """Serve until terminated. Refused calls do not count: the log is inside the request guard."""
    path = Path(os.environ["GUARD_FOLDER"]) / CALL_LOG
    ministack.app = CallLog(ministack.app, path, os.environ["AWS_ACCESS_KEY_ID"])
    access.main()


if __name__ == "__main__":
    main()

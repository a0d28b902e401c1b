"""Owner watch: process that removes a private stack when the command that started it ends without doing so."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.client.private_mark import is_private, wait_until_abandoned

if TYPE_CHECKING:
    from infra.local.process import Process

LOG = "owner_watch.log"
# A command that quits at once has its stack stopped in the background, which is left to finish first.
_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.1


def start(folder: Path) -> "Process":
    """Start the process, which ends when the stack's command does."""
    # Imported here: the process itself waits for most of its life, and needs little memory for it.
    from infra.bundling.functions import ROOT  # noqa: PLC0415
    from infra.local import emulator  # noqa: PLC0415
    from infra.local.process import Process  # noqa: PLC0415

    command = [sys.executable, "-m", "infra.local.owner_watch", str(folder)]
    return Process.spawn(command, environment=emulator.own_environment(), log=folder / LOG, folder=ROOT)


def main(folder: Path) -> None:
    """Wait until the stack's command ends, then stop the stack and remove its folder."""
    if not wait_until_abandoned(folder):
        return
    until = time.monotonic() + _GRACE_SECONDS
    while is_private(folder):
        if time.monotonic() > until:
            from infra.local import runtime  # noqa: PLC0415 - as in ``start``

            runtime.down(folder, save=False)
            runtime.purge(folder)
            return
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

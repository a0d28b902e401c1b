"""Starts MiniStack behind the request guard: ``python -m infra.local.access``, configured by its environment."""

import os
import sys

from ministack import app as ministack

from infra.local.access.emulator import Emulator
from infra.local.access.event_queue import EventQueue, ExecutionCount
from infra.local.access.guard import RequestGuard
from infra.local.access.origins import AllowedOrigins
from infra.local.access.repair import Repair
from infra.local.access.routes import EmulatorRoutes
from infra.local.access.settings import Settings
from infra.local.access.signatures import Verifier
from infra.local.snapshots import memory
from infra.local.snapshots.changes import ChangeObserver
from infra.local.snapshots.files import SnapshotFiles
from infra.local.snapshots.saver import SnapshotSaver


def main() -> None:
    """Serve until terminated."""
    settings = Settings.read()
    for name in [name for name in os.environ if name.startswith("GUARD_")]:
        del os.environ[name]  # functions inherit the environment
    emulator = Emulator(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    emulator.restrict()
    _install_snapshots(settings)
    queue = EventQueue()
    queue.install()
    ministack.app = ExecutionCount(ministack.app, queue)
    routes = EmulatorRoutes(emulator, Repair(settings.folder).complete)
    ministack.app = RequestGuard(
        ministack.app,
        Verifier(emulator.secret_of),
        port=settings.port,
        opening=routes.opening,
        opens_socket=routes.opens_socket,
        origins=AllowedOrigins(settings.folder, settings.origins),
    )
    ministack.main()  # serves the module's ``app``


def _install_snapshots(settings: Settings) -> None:
    """Replace MiniStack's own persistence, which saves at the end of the process only."""
    ministack._load_persisted_state = _restore
    if not settings.snapshots:
        ministack.save_all = lambda _services: None
        return
    memory.keep_code_archives()
    saver = SnapshotSaver(SnapshotFiles(settings.folder), memory.serialized, memory.is_deploying)
    ministack.save_all = lambda _services: saver.save_finally()
    ministack.app = ChangeObserver(ministack.app, saver)


def _restore() -> None:
    try:
        memory.restore()
    except memory.StateUnusable as error:
        # MiniStack would go on, and a traceback would hide the reason at the end of the log.
        sys.stderr.write(f"{error}; `darkroom down --purge` deletes the stack's state\n")
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    main()

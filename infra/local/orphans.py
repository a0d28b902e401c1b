"""Orphans: local stacks, or processes of them, that nothing uses and that no command would stop by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from darkroom.client.private_mark import is_abandoned, is_private
from infra.local import runtime
from infra.local.process import Process
from infra.local.state import FOLDER, RunningProcesses

# The variable of each server's environment that names the stack's folder, or a folder in it.
_MODULES = {
    "infra.local.access": "GUARD_FOLDER",
    "infra.local.endpoint": "TMPDIR",
    "infra.local.studio": "STUDIO_STACK_FOLDER",
}
_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Orphan:
    """A stack's folder, why nothing uses it, and the processes that are found by their environment alone."""

    folder: Path
    reason: str
    strays: tuple[Process, ...] = ()

    def __str__(self) -> str:
        return f"the stack in {self.folder}: {self.reason}"

    def end(self) -> None:
        """Stop its processes. The files of a private stack are removed; those of another one are kept."""
        private = is_private(self.folder)
        runtime.down(self.folder, save=not private)
        for stray in self.strays:
            stray.stop(_STOP_SECONDS)
        if private:
            runtime.purge(self.folder)


def find_orphans(root: Path) -> list[Orphan]:
    """Return the orphans of the directory ``root``, then this user's elsewhere.

    A stack without an emulator counts in ``root`` alone: elsewhere, it may be one that starts.
    """
    here = sorted((root / FOLDER).glob("*/"))
    found = [
        *find_abandoned(root),
        *(
            Orphan(folder, "its emulator has ended, but not its other processes")
            for folder in here
            if not is_private(folder) and _has_lost_its_emulator(folder)
        ),
    ]
    known = {orphan.folder for orphan in found}
    gone: dict[Path, list[Process]] = {}
    for folder, process in _servers():
        if not folder.exists() and folder not in known:
            gone.setdefault(folder, []).append(process)
    return [*found, *(Orphan(folder, "its folder is gone", tuple(strays)) for folder, strays in gone.items())]


def find_abandoned(root: Path) -> list[Orphan]:
    """Return the private stacks whose command has ended: those of ``root``, then this user's that run elsewhere."""
    folders = dict.fromkeys([*sorted((root / FOLDER).glob("*/")), *(folder for folder, _ in _servers())])
    return [Orphan(folder, "the command that started it was killed") for folder in folders if is_abandoned(folder)]


def has_live_processes(folder: Path) -> bool:
    """Return True if a recorded process of the stack in ``folder`` runs."""
    running = RunningProcesses.read(folder)
    return running is not None and any(process.find() is not None for process in running.processes().values())


def _has_lost_its_emulator(folder: Path) -> bool:
    running = RunningProcesses.read(folder)
    if running is None or (running.emulator is not None and running.emulator.find() is not None):
        return False
    return has_live_processes(folder)


def _servers() -> Iterator[tuple[Path, Process]]:
    """Yield this user's processes of local stacks, wherever they run, each with its stack's folder."""
    for process in psutil.process_iter():
        try:
            variable = _folder_variable(process.cmdline())
            if variable is None or process.username() != _own_username() or not _sees_the_same_files(process):
                continue
            value = process.environ().get(variable)
            found = Process.of(process)
        except psutil.Error:  # it has ended, or is not ours to read
            continue
        if value:
            yield Path(value).parent if variable == "TMPDIR" else Path(value), found


def _folder_variable(words: list[str]) -> str | None:
    """Return the variable with the folder for the command line ``python -m MODULE`` of a server, otherwise None."""
    return _MODULES.get(words[2]) if len(words) == 3 and words[1] == "-m" else None


def _own_username() -> str:
    return psutil.Process().username()


def _sees_the_same_files(process: psutil.Process) -> bool:
    """Return False for a process of a container with files of its own, whose folders are not to be seen from here."""
    try:
        return Path(f"/proc/{process.pid}/ns/mnt").readlink() == Path("/proc/self/ns/mnt").readlink()
    except OSError:
        return not Path("/proc/self/ns").exists()

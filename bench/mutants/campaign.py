"""Mutation campaign: runs, for each mutant, the tests that can notice it, in copies of the project.

Each mutant gets a forked process of its own. The process that forks has imported the libraries, and none of the
project's modules, so that a mutant costs little more than its tests. The project's own files are only read.
"""

import importlib
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.mutants.covering_tests import PYTEST_OPTIONS, Baseline, measure
from bench.mutants.mutation_operators import Mutant
from bench.mutants.process_group import ProcessGroup

ROOMS = ("darkroom", "cloud", "pipeline", "handlers", "containers", "infra", "bench", "tests", "conftest")
# The project's own modules, and what cannot be forked: jsii talks to a process of Node over one pipe.
NOT_SHARED = (
    *ROOMS,
    *("jsii", "aws_cdk", "cdk_nag", "constructs", "ministack", "__main__", "coverage"),
)
# What the process needs itself, and keeps.
_THIS = "bench.mutants"
# A mutant may turn a loop into an endless one. Machines under load are slow, not stuck.
PATIENCE = 5.0
SECONDS_AT_LEAST = 60.0


@dataclass(frozen=True)
class Verdict:
    """What the tests said of a mutant."""

    mutant: Mutant
    killed: bool
    tests: int
    """Tests that could notice it; 0 if no test runs its line."""


def copy_project(root: Path, folder: Path) -> Path:
    """Copy the project's files, those that Git does not ignore, to ``folder``, and return it."""
    git = shutil.which("git")
    assert git is not None
    listed = [git, "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in filter(None, subprocess.run(listed, capture_output=True, check=True).stdout.decode().split("\0")):
        if (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)
    for tools in (".venv", "studio/node_modules"):
        if (root / tools).exists() and (folder / tools).parent.is_dir():
            (folder / tools).symlink_to((root / tools).resolve())
    return folder


def measure_baseline(folder: Path, tests: Sequence[str], files: Sequence[str], log: Path) -> Baseline:
    """Run ``tests`` once without a fault, in a process of its own, and import the libraries that they need.

    Raises:
        RuntimeError: No test passed, or the tests ended the process.
    """
    result = folder / ".baseline"

    def run() -> int:
        result.write_bytes(pickle.dumps(measure(tests, folder, files)))
        return 0

    status = _fork(folder, run, log).wait()
    if status or not result.exists():
        raise RuntimeError(f"the tests ended their process (status {status}): {log}")
    baseline: Baseline = pickle.loads(result.read_bytes())  # noqa: S301 - our own file
    if not baseline.tests:
        raise RuntimeError(f"no test passes without a mutant: {log}")
    _import_libraries(baseline.modules)
    # What fails here fails for every mutant, and each would count as noticed.
    quickest = sorted(baseline.tests, key=baseline.tests.__getitem__)[:3]
    if _fork(folder, lambda: _run_tests(quickest), log).wait():
        raise RuntimeError(f"tests that passed fail when they are run again: {log}")
    return baseline


def run_campaign(
    folders: Sequence[Path], mutants: Sequence[Mutant], baseline: Baseline
) -> Generator[Verdict, None, None]:
    """Try every mutant, one in each of ``folders`` at a time, and yield the verdicts as they come."""
    waiting = list(reversed(mutants))
    free = list(folders)
    running: list[_Trial] = []
    try:
        while waiting or running:
            while waiting and free:
                mutant = waiting.pop()
                if tests := baseline.tests_for(mutant.path, mutant.line):
                    limit = max(SECONDS_AT_LEAST, PATIENCE * sum(baseline.tests[test] for test in tests))
                    running.append(_Trial(free.pop(), mutant, tests, limit))
                else:
                    yield Verdict(mutant, killed=False, tests=0)
            for trial in list(running):
                killed = trial.poll()
                if killed is not None:
                    running.remove(trial)
                    free.append(trial.folder)
                    yield Verdict(trial.mutant, killed, len(trial.tests))
            time.sleep(0.02)
    finally:
        for trial in running:
            trial.end()


class _Trial:
    """The tests of one mutant, in one copy of the project."""

    _number = 0

    def __init__(self, folder: Path, mutant: Mutant, tests: Sequence[str], limit: float) -> None:
        self.folder, self.mutant, self.tests = folder, mutant, tests
        self._file = folder / mutant.path
        self._source = self._file.read_bytes()
        self._file.write_text(mutant.apply(self._source.decode()), "utf-8")
        # Bytecode is found by time and size, and both may be those of another mutant.
        _Trial._number += 1
        os.utime(self._file, (_Trial._number, _Trial._number))
        self._deadline = time.monotonic() + limit
        self._process = _fork(folder, lambda: _run_tests(tests), folder.with_suffix(".log"))

    def poll(self) -> bool | None:
        """Return True if a test noticed the fault, or hung; False if none did; None while they run."""
        status = self._process.poll()
        if status is None and time.monotonic() < self._deadline:
            return None
        if status is None:
            self._process.end()
        self._file.write_bytes(self._source)
        return status != 0

    def end(self) -> None:
        """End the tests and what they have started."""
        self._process.end()


def _run_tests(tests: Sequence[str]) -> int:
    return int(pytest.main([*PYTEST_OPTIONS, "--exitfirst", *tests]))


def _fork(folder: Path, work: Callable[[], int], log: Path) -> ProcessGroup:
    """Run ``work`` in ``folder``, in a process that has none of the project's modules and writes to ``log``."""

    def run() -> int:
        status = 70
        try:
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            _enter(folder)
            status = work()
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        return status

    return ProcessGroup(run)


def _enter(folder: Path) -> None:
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(folder)  # of the processes that tests start
    sys.path[:] = [str(folder), *(path for path in sys.path if path not in ("", str(Path(__file__).parents[2])))]
    # What ended tests leave behind goes with the copy.
    temporary = folder.with_suffix(".tmp")
    temporary.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    for name in [name for name in sys.modules if _is_ours(name) and name != "bench" and not name.startswith(_THIS)]:
        del sys.modules[name]
    sys.modules["bench"].__path__ = [str(folder / "bench")]


def _import_libraries(modules: Sequence[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            if name not in sys.modules and _is_shared(name):
                with suppress(Exception):
                    importlib.import_module(name)


def _is_shared(name: str) -> bool:
    return name.partition(".")[0] not in NOT_SHARED


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in ROOMS

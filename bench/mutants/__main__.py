"""``python -m bench.mutants MODULE``: a sampled mutation campaign; prints each surviving mutant and the share killed.

The same seed gives the same sample of the same code. The exit status is 0 whatever survives: a survivor is a question
to the reader, who knows which mutants change nothing.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bench.mutants.campaign import copy_project, measure_baseline, run_campaign
from bench.mutants.covering_tests import select_tests
from bench.mutants.mutation_operators import Mutant, find_mutants
from bench.mutants.process_group import ended_on_signals

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command line and return the exit status."""
    given = _parser().parse_args(arguments)
    files = sorted({file for module in given.module for file in python_files(root, module)})
    if not files:
        print(f"No Python files: {', '.join(given.module)}", file=sys.stderr)
        return 2
    mutants = sample([mutant for file in files for mutant in _mutants(root, file)], given.sample, given.seed)
    try:
        tests = given.tests or sorted({test for module in given.module for test in select_tests(module, root)})
    except ValueError as error:
        print(f"Nothing was tried: {error}.", file=sys.stderr)
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        with tempfile.TemporaryDirectory(prefix="mutants-") as name, ended_on_signals():
            return _try_all(given, mutants, tests, files, root, Path(name).resolve())
    except KeyboardInterrupt as stop:
        return 128 + int(stop.args[0] if stop.args else signal.SIGINT)


def _try_all(
    given: argparse.Namespace,
    mutants: Sequence[Mutant],
    tests: Sequence[str],
    files: Sequence[str],
    root: Path,
    temporary: Path,
) -> int:
    folders = [copy_project(root, temporary / f"copy-{number}") for number in range(given.workers)]
    log = temporary / "baseline.log"
    began = time.monotonic()
    try:
        baseline = measure_baseline(folders[0], tests, files, log)
    except RuntimeError as error:
        print(f"Nothing was tried: {error}\n{log.read_text('utf-8')[-4000:]}", file=sys.stderr)
        return 2
    print(f"{len(baseline.tests)} tests in {time.monotonic() - began:.0f} s; {len(mutants)} mutants to try", flush=True)
    if baseline.failed:
        print(f"Left out, because they fail without a mutant: {', '.join(baseline.failed)}")
    killed = tried = 0
    try:
        with closing(run_campaign(folders, mutants, baseline)) as verdicts:
            for verdict in verdicts:
                tried += 1
                killed += verdict.killed
                if not verdict.killed:
                    print(f"{verdict.mutant}{'' if verdict.tests else '  (no test runs this line)'}")
                print(f"[{killed}/{tried} killed]", flush=True)
    finally:
        share = f" ({killed / tried:.0%})" if tried else ""
        stopped = "" if tried == len(mutants) else f"Stopped after {tried} of {len(mutants)}: "
        print(
            f"{stopped}{killed} of {tried} mutants killed{share}, {', '.join(given.module)}, "
            f"seed {given.seed}, {time.monotonic() - began:.0f} s",
            flush=True,
        )
    return 0


def python_files(root: Path, module: str) -> list[str]:
    """Return the Python files of a module or folder, relative to ``root``."""
    path = root / module
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [str(each.relative_to(root)) for each in found if each.suffix == ".py"]


def sample(mutants: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return ``size`` of the mutants, or all, always the same for a seed.

    A file is drawn first, then a mutant in it: tables of numbers would otherwise crowd out the code.
    """
    chooser = random.Random(seed)  # noqa: S311 - a sample, no secret
    by_file: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        by_file.setdefault(mutant.path, []).append(mutant)
    for found in by_file.values():
        chooser.shuffle(found)
    weights = {path: len(found) ** 0.5 for path, found in by_file.items()}
    chosen: list[Mutant] = []
    while len(chosen) < size and by_file:
        path = chooser.choices(list(by_file), [weights[path] for path in by_file])[0]
        chosen.append(by_file[path].pop())
        if not by_file[path]:
            del by_file[path]
    return chosen


def _mutants(root: Path, file: str) -> list[Mutant]:
    return find_mutants(file, (root / file).read_text("utf-8"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("module", nargs="+", help="file or folder, such as handlers/jobs/retry.py")
    parser.add_argument("--sample", type=int, default=40, help="number of mutants (40)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another sample (1)")
    parser.add_argument("--workers", type=int, default=2, help="mutants tried at a time (2)")
    parser.add_argument("--tests", action="append", help="test file or folder, instead of those that belong to MODULE")
    return parser


if __name__ == "__main__":
    sys.exit(main())

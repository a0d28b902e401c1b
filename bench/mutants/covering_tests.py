"""Test selection: the tests that belong to a module by the mirrored folders, and those that run each of its lines."""

import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import ModuleType

import coverage
import pytest

# Rooms whose tests stand under another name. The longest prefix that fits counts.
TESTS_OF = {
    "cloud": ("tests/handlers", "tests/containers"),
    "darkroom/contract": ("tests/darkroom/contract", "tests/handlers"),
    "darkroom/client": ("tests/darkroom/client", "tests/darkroom/cli/test_*.py"),
    "handlers": ("tests/handlers",),
    "containers": ("tests/containers",),
    "infra": ("tests/infra",),
    "infra/constructs": ("tests/infra/test_*.py",),
    "infra/stacks": ("tests/infra/test_*.py",),
    "infra/local": ("tests/infra/test_*local*.py", "tests/infra/test_studio_server.py"),
    "infra/local/access": ("tests/infra/access",),
    "infra/local/endpoint": ("tests/infra/endpoint",),
    "pipeline/preview/inpainting": ("tests/pipeline/preview/inpainting", "tests/pipeline/preview/workflows"),
    "pipeline/preview/rendering": ("tests/pipeline/preview/rendering", "tests/pipeline/preview/workflows"),
    "pipeline/preview/room": ("tests/pipeline/preview/room", "tests/pipeline/preview/workflows"),
    "pipeline/preview/faces": ("tests/pipeline/preview/faces", "tests/pipeline/preview/workflows"),
}


def select_tests(module: str, root: Path) -> list[str]:
    """Return the test files and folders of a module or folder, both relative to ``root``.

    They are those of :data:`TESTS_OF`, else the folder of the same name under ``tests/``, or the nearest above it.

    Raises:
        ValueError: No test belongs to the module.
    """
    path = PurePosixPath(module).with_suffix("")
    for place in (path, *path.parents):
        patterns = TESTS_OF.get(str(place)) or (f"tests/{place}",)
        found = sorted(str(each.relative_to(root)) for pattern in patterns for each in root.glob(pattern))
        if found and str(place) != ".":
            return found
    raise ValueError(f"no tests belong to {module}")


@dataclass
class Baseline:
    """What the tests do without a fault."""

    tests: dict[str, float] = field(default_factory=dict)
    """Node ids of the tests that passed, with their seconds."""
    failed: list[str] = field(default_factory=list)
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    """For each file and line, the tests that run it. Empty id: the line runs at import or in a shared fixture."""
    modules: list[str] = field(default_factory=list)
    """Everything that was imported, in order."""

    def tests_for(self, path: str, line: int) -> list[str]:
        """Return the tests that can notice a change in a line, the quickest first; none if no test runs the file.

        A line that runs once for all, at import or in a shared fixture, may be noticed by every test of its module; in
        ``infra``, whose templates are shared fixtures, by every test. A line without code of its own, such as a number
        in a long call, runs with the line above it.
        """
        lines = self.lines.get(path, {})
        running = lines.get(max((each for each in lines if each <= line), default=0), [])
        if "" in running:
            of_module = {test for tests in lines.values() for test in tests} - {""}
            running = list(self.tests) if path.startswith("infra/") or not of_module else list(of_module)
        return sorted((test for test in set(running) if test in self.tests), key=lambda test: (self.tests[test], test))


def measure(tests: Sequence[str], folder: Path, files: Sequence[str]) -> Baseline:
    """Run tests in ``folder``, the current folder, and return which of them run which line of ``files``."""
    tracer = coverage.Coverage(data_file=None, include=[str(folder / file) for file in files], config_file=False)
    recorder = _Recorder(tracer)
    tracer.start()
    try:
        pytest.main([*PYTEST_OPTIONS, *tests], plugins=[recorder])
    finally:
        tracer.stop()
    baseline = recorder.baseline
    data = tracer.get_data()
    for file in files:
        contexts = data.contexts_by_lineno(str(folder / file))
        if contexts:
            baseline.lines[file] = {line: sorted(set(tests)) for line, tests in contexts.items()}
    baseline.modules = [name for name, module in list(sys.modules.items()) if isinstance(module, ModuleType)]
    return baseline


# The same order and the same examples each time: a mutant must not live or die by luck.
PYTEST_OPTIONS = (
    *("-q", "--no-header", "--tb=no", "-p", "no:randomly", "-p", "no:cacheprovider"),
    *("--hypothesis-profile=fast", "--hypothesis-seed=0", "-W", "ignore:::coverage"),
    # Plugins are imported already, and their asserts are not ours.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


class _Recorder:
    """A plugin of pytest that names the running test to coverage, and keeps outcomes and seconds."""

    def __init__(self, tracer: coverage.Coverage) -> None:
        self.baseline = Baseline()
        self._tracer = tracer
        self._running = ""
        self._bad: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._running = item.nodeid
        self._tracer.switch_context(item.nodeid)
        began = time.perf_counter()
        try:
            return (yield)
        finally:
            if item.nodeid in self.baseline.tests:
                self.baseline.tests[item.nodeid] = time.perf_counter() - began
            self._tracer.switch_context("")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: "pytest.FixtureDef[object]") -> Generator[None, object, object]:
        if fixturedef.scope == "function":
            return (yield)
        self._tracer.switch_context("")
        try:
            return (yield)
        finally:
            self._tracer.switch_context(self._running)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._bad.add(report.nodeid)
            self.baseline.tests.pop(report.nodeid, None)
        elif report.when == "call" and report.passed and report.nodeid not in self._bad:
            self.baseline.tests[report.nodeid] = 0.0

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._bad.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.baseline.failed = sorted(self._bad)

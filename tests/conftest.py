"""Test configuration: distribution over workers, and tiny random weights of every model in their real layouts."""

import os
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from bench.random_weights import Scale, write_weights

# Several workers share the cores: torch with a thread for each core in every worker would wait for itself.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A slow machine must not fail a property: no example has a deadline. CI keeps hypothesis's own profile otherwise.
settings.register_profile("darkroom", settings.default, deadline=None)
settings.load_profile("darkroom")

TESTS = Path(__file__).parent
# Folders whose files share what takes long to start, a local stack or the CDK: each runs in one worker.
TOGETHER = ("e2e", "studio", "infra")
# So that no worker is left with a long one in the end.
LONGEST_FIRST = (*TOGETHER, "containers", "bench", "pipeline/models", "pipeline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def position(item: pytest.Item) -> int:
        path = item.path.relative_to(TESTS)
        matches = (place for place, folder in enumerate(LONGEST_FIRST) if path.is_relative_to(folder))
        return next(matches, len(LONGEST_FIRST))

    items.sort(key=position)


class FolderScheduling(LoadFileScheduling):
    """``--dist loadfile``, but for the folders that go to one worker whole."""

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.split("/")[1]
        return folder if folder in TOGETHER else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FolderScheduling | None:
    return FolderScheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder as ``darkroom models fetch`` leaves it, written once for all workers of the test run."""
    ours = tmp_path_factory.getbasetemp()
    folder = (ours if worker_id == "master" else ours.parent) / "tiny-weights"
    written = folder / "written"
    with FileLock(f"{folder}.lock"):
        if not written.exists():
            write_weights(folder, Scale.TINY)
            written.touch()
    return folder

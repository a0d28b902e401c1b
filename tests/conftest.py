"""Tiny random weights of every model in their real layouts."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from bench.weights import Scale, write_weights

# Several workers share the cores: torch with a thread for each core in every worker would wait for itself.
os.environ.setdefault("OMP_NUM_THREADS", "1")


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

"""Saved local stack of 0.1.0 is readable; recorded files are small and free of the machine's details."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.recorded import archive, files, today

HERE = files.FOLDER / files.VERSION
LARGEST, ALL = 1_400_000, 2_600_000
# Paths and names of a machine, addresses of registries and private networks, and keys.
PRIVATE = re.compile(
    rb"/root\b|/work\b|/home/|/tmp/\w|/Users/|PRIVATE KEY|AKIA[0-9A-Z]{16}|https?://[\w.-]*(?:pypi|proxy|registry)|"
    rb"\b10\.\d+\.\d+\.\d+|\b192\.168\."
)


def test_the_state_of_a_running_stack_is_read() -> None:
    folder = HERE / "local" / "running"
    recorded = files.read("local/running/stack")
    state = today.StackState.read(folder)
    assert state is not None
    found = files.differences(recorded, state.model_dump(mode="json"))
    assert not found, "\n".join(found)
    running = today.RunningProcesses.read(folder)
    assert running is not None
    found = files.differences(files.read("local/running/processes"), running.model_dump(mode="json"))
    assert not found, "\n".join(found)
    assert set(running.processes()) == {"emulator", "endpoint"}


def test_a_client_reads_the_saved_stack() -> None:
    stack = today.read_local_stack(HERE / "local" / "running")
    assert stack is not None
    assert (stack.port, stack.auth.username) == (4566, "local")


def test_the_state_of_a_stopped_stack_is_read() -> None:
    running = today.RunningProcesses.read(HERE / "local" / "stopped")
    assert running is not None
    assert running.processes() == {}


def test_the_recorded_container_source_works_with_the_fonts_of_a_checkout(tmp_path: Path) -> None:
    with zipfile.ZipFile(HERE / archive.NAME) as source:
        assert source.testzip() is None
        source.extractall(tmp_path)
    invocation = files.read("invocations/restyle_room-models")["invocation"]["body"]
    script = (
        "import sys; from containers.gpu.worker import typed_params; from pipeline.invocation import Invocation; "
        "print(typed_params(Invocation.model_validate_json(sys.stdin.read())).style)"
    )
    content = json.dumps({**invocation, "added_later": True})
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, input=content, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == invocation["params"]["style"]


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.json")), ids=lambda path: path.relative_to(HERE).as_posix())
def test_recorded_files_have_no_machine_paths(path: Path) -> None:
    assert PRIVATE.search(path.read_bytes()) is None


def test_the_recording_is_small() -> None:
    sizes = {path: path.stat().st_size for path in HERE.rglob("*") if path.is_file()}
    assert max(sizes.values()) <= LARGEST
    assert sum(sizes.values()) <= ALL

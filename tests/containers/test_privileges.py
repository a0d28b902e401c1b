"""Privileges of the container's server: an ordinary user where that user can do the work, else root."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from containers.gpu.privileges import first_inaccessible
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can go on as another user"
)
pwd = pytest.importorskip("pwd")
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that every user can search; pytest's own are open to their owner only."""
    folder = tmp_path_factory.mktemp("rights")
    for each in (folder, *folder.parents):
        if each.stat().st_uid == os.geteuid() and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o011)
    return folder


def run(name: str, weights: Path, temporary: Path) -> list[str]:
    """User and home of a process after ``drop_root``, and the last line of its log."""
    program = textwrap.dedent("""
        import logging, os, sys
        from pathlib import Path
        from containers.gpu.privileges import drop_root
        logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
        drop_root(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
        print(os.geteuid(), os.getegid(), os.getgroups(), os.environ.get("HOME"), sep="|")
    """)
    command = [sys.executable, "-c", program, name, str(weights), str(temporary)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()


def test_the_server_goes_on_as_the_user_who_can_read_the_weights(folder: Path) -> None:
    weights = folder / "weights"
    weights.mkdir(mode=0o755)
    (weights / "model.safetensors").write_bytes(b"1")
    (weights / "model.safetensors").chmod(0o644)
    temporary = folder / "tmp"
    temporary.mkdir()
    temporary.chmod(0o777)
    said, state = run("nobody", weights, temporary)
    assert said == "went on as the user nobody"
    assert state == f"{NOBODY.pw_uid}|{NOBODY.pw_gid}|[]|{temporary}"


@pytest.mark.parametrize("closed", ["weights", "file", "tmp"])
def test_the_server_stays_root_where_the_user_could_not_work(folder: Path, closed: str) -> None:
    weights = folder / "weights"
    weights.mkdir(mode=0o755)
    file = weights / "model.safetensors"
    file.write_bytes(b"1")
    temporary = folder / "tmp"
    temporary.mkdir()
    path = {"weights": weights, "file": file, "tmp": temporary}[closed]
    file.chmod(0o644)
    temporary.chmod(0o777)
    path.chmod(0o700)
    said, state = run("nobody", weights, temporary)
    assert said == f"staying root: the user nobody cannot open {path}"
    assert state.startswith("0|")


def test_the_server_stays_root_without_the_user(folder: Path) -> None:
    said, state = run("nobody-of-this-name", folder, folder)
    assert said.startswith("staying root: the rights of the user nobody-of-this-name are unknown")
    assert state.startswith("0|")


def test_missing_weights_are_no_obstacle(folder: Path) -> None:
    folder.chmod(0o777)
    assert first_inaccessible(NOBODY.pw_uid, NOBODY.pw_gid, read=[], write=[folder]) is None

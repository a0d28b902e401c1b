"""Benchmark of cold imports: what ran them is said, and they see only what is deployed."""

import platform
import sys
from pathlib import Path

import pytest

from bench.lambda_imports import SECTION, ColdImport, Interpreter, LambdaImport, choose_interpreter
from infra.bundling import functions

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_runtimes_python_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "PYTHON_VERSION", HERE)
    assert choose_interpreter().label.startswith(f"{HERE}.")
    assert "not" not in choose_interpreter().label


def test_another_python_is_said_to_be_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "PYTHON_VERSION", "3.99")
    chosen = choose_interpreter()
    assert chosen == Interpreter(sys.executable, f"{platform.python_version()}, not 3.99 (set LAMBDA_PYTHON)")
    row = LambdaImport(name="api", cpu_ms=1, ratio=1, zip_kb=1, python=chosen.label)
    assert f"| {chosen.label} |" in SECTION.table([row])


def test_an_import_sees_its_folders_and_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(functions.ROOT)
    (tmp_path / "deployed.py").write_text(
        "import importlib.util, os, sys\n"
        "assert os.environ['STAGE'] == 'bench'\n"
        "assert not [name for name in ('pydantic', 'handlers') if importlib.util.find_spec(name)]\n"
    )
    cold_import = ColdImport("import deployed", (tmp_path,), {"STAGE": "bench"})
    assert cold_import.cpu_seconds(Interpreter(sys.executable, "")) > 0
    assert not list(tmp_path.rglob("*.pyc"))

"""Bytecode of the functions' packages: what Lambda's Python takes as it is."""

import importlib.util
import struct
import sys
from pathlib import Path

import pytest

from infra.bundling import bytecode, functions
from infra.config import Config

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
UNCHECKED = 0b01  # PEP 552: based on a hash, which is not checked


@pytest.fixture
def runtime_is_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "PYTHON_VERSION", HERE)


@pytest.mark.usefixtures("runtime_is_this_python")
def test_every_module_is_compiled_and_never_compared_with_its_source(tmp_path: Path) -> None:
    folder = functions.build_code(tmp_path, bytecode=True)
    modules = list(folder.rglob("*.py"))
    assert modules
    for module in modules:
        header = Path(importlib.util.cache_from_source(str(module))).read_bytes()[:8]
        assert header[:4] == importlib.util.MAGIC_NUMBER
        assert struct.unpack("<I", header[4:]) == (UNCHECKED,)


@pytest.mark.usefixtures("runtime_is_this_python")
def test_equal_code_gives_equal_bytes(tmp_path: Path) -> None:
    first, second = (functions.build_code(tmp_path / name, bytecode=True) for name in ("first", "second"))
    assert first.name == second.name
    for path in first.rglob("*.pyc"):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()
        assert str(tmp_path).encode() not in path.read_bytes()  # tracebacks name Lambda's paths


def test_without_the_runtimes_python_the_code_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "PYTHON_VERSION", "3.99")
    folder = functions.build_code(tmp_path, bytecode=True)
    assert not list(folder.rglob("*.pyc"))
    assert folder == functions.build_code(tmp_path)


def test_a_deployment_without_bytecode_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aws_cdk import App, Stack  # noqa: PLC0415 - only tests that need a template pay for the CDK
    from aws_cdk.assertions import Annotations, Match  # noqa: PLC0415

    from infra.constructs.functions import Functions  # noqa: PLC0415

    monkeypatch.setattr(functions, "runtime_interpreter", lambda: None)
    monkeypatch.setattr(functions, "build_layer", lambda: tmp_path)
    (tmp_path / "python").mkdir()
    stack = Stack(App(), "Stack")
    Functions(stack, "Functions", config=Config.read({}))
    warning = Match.string_like_regexp("There is no Python 3.13 here.*LAMBDA_PYTHON")
    Annotations.from_stack(stack).has_warning("/Stack/Functions", warning)


def test_the_named_interpreter_is_used_only_if_it_has_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_PYTHON", sys.executable)
    bytecode.find_interpreter.cache_clear()
    assert bytecode.find_interpreter(HERE, functions._uv()) == sys.executable
    assert bytecode.find_interpreter("3.99", functions._uv()) is None
    bytecode.find_interpreter.cache_clear()

"""Retired names: identifiers and file names that gave way to the field's standard terms do not come back."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("darkroom", "cloud", "pipeline", "handlers", "containers", "infra", "studio", "bench", "tests")
RECORDED = Path("tests", "recorded", "0.1.0")  # as the version was
RETIRED = json.loads((ROOT / "tests" / "data" / "retired_names.json").read_text())


def python_files() -> list[Path]:
    """The project's own modules, relative to its folder."""
    found = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return [path for path in found if not path.is_relative_to(RECORDED) and "node_modules" not in path.parts]


def defined(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Names that a module defines, with their lines: classes, functions, parameters, variables and attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno


def test_no_retired_name_is_used_again() -> None:
    again = []
    for path in python_files():
        if path.name in RETIRED["files"]:
            again.append(f"{path} is called {RETIRED['files'][path.name]}")
        for symbol, line in defined(ast.parse((ROOT / path).read_text())):
            if symbol in RETIRED["identifiers"]:
                again.append(f"{path}:{line}: {symbol} is called {RETIRED['identifiers'][symbol]}")
    assert not again, "\n".join(again)

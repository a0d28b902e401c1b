"""Digests of a local stack: they cover every file that a process loads, so that a change of it restarts the process."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from containers.worker import plan_preparer
from infra.bundling import functions
from infra.bundling.functions import ROOT, code_files, files_under
from infra.local import emulator, stand_in, synth
from infra.local.studio import launch as studio

# Prints the project's files that these modules open when they are imported.
LIST = """
import importlib, json, sys
from pathlib import Path
opened, root = set(), Path(sys.argv[1])
sys.addaudithook(lambda event, args: opened.add(args[0]) if event == "open" and isinstance(args[0], str) else None)
for name in sys.argv[2:]:
    importlib.import_module(name)
loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
paths = {Path(name) for name in {*opened, *loaded} if name and not name.endswith(".pyc")}
print(json.dumps(sorted(str(path.relative_to(root)) for path in paths if path.is_file() and path.is_relative_to(root))))
"""


def loaded(*modules: str) -> set[Path]:
    command = [sys.executable, "-c", LIST, str(ROOT), *modules]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = {Path(name) for name in json.loads(done.stdout.splitlines()[-1])}
    # The docstrings of packages, which change nothing.
    return {path for path in found if path.name != "__init__.py" and path.parts[0] != ".venv"}


def template_files() -> list[Path]:
    return [*files_under("infra"), *files_under(*synth.TEMPLATE_CODE), *code_files()]


@pytest.mark.parametrize(
    ("modules", "digested", "data"),
    [
        (
            ("infra.local.endpoint.__main__", "containers.gpu.__main__"),
            lambda: files_under(*stand_in.STAND_IN_CODE),
            "darkroom/contract/styles.toml",
        ),
        (("infra.local.access.__main__",), lambda: files_under(*emulator.GUARD_CODE), None),
        (("infra.local.studio.__main__",), lambda: files_under(*studio.STUDIO_CODE), None),
        (("infra.app",), template_files, "pipeline/weights/models.toml"),
        (("handlers.api", "handlers.dispatch", "handlers.push"), code_files, "handlers/prompts/rules.toml"),
    ],
    ids=["endpoint", "emulator", "studio", "template", "functions"],
)
def test_every_loaded_file_is_digested(
    modules: tuple[str, ...], digested: Callable[[], list[Path]], data: str | None
) -> None:
    files = loaded(*modules)
    assert files
    assert not files - set(digested())
    assert data is None or Path(data) in digested()


@pytest.mark.parametrize("name", ["styles.toml", "subtitles/font.otf", "rules.json", "voice.wav"])
def test_a_changed_data_file_changes_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(functions, "ROOT", tmp_path)
    path = tmp_path / "pipeline" / name
    path.parent.mkdir(parents=True)
    path.write_text("before")
    before = functions.digest(files_under("pipeline"))
    path.write_text("after")
    after = functions.digest(files_under("pipeline"))
    assert after != before
    for cache in ("__pycache__/styles.cpython-313.pyc", ".styles.toml.swp"):
        (tmp_path / "pipeline" / cache).parent.mkdir(exist_ok=True)
        (tmp_path / "pipeline" / cache).write_text("cached")
    assert functions.digest(files_under("pipeline")) == after


def test_no_data_of_the_functions_is_left_out_of_their_code() -> None:
    left_out = {path.as_posix() for path in set(files_under(*functions.FOLDERS)) - set(code_files())}
    # The document is generated for readers, the others are for type checkers.
    assert left_out == {"cloud/py.typed", "handlers/py.typed", "handlers/http_api/openapi.json"}


def test_data_of_the_pipeline_decides_the_engines_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_preparer.pipeline, "__path__", [str(tmp_path)])
    digests = set()
    for content in ("before", "after"):
        (tmp_path / "curve.json").write_text(content)
        plan_preparer._code_digest.cache_clear()
        digests.add(plan_preparer._code_digest())
    plan_preparer._code_digest.cache_clear()
    assert len(digests) == 2

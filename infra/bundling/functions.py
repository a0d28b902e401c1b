"""Bundling of the Lambda functions: their code, and the layer of their dependencies."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from infra.bundling.bytecode import compile_folder, find_interpreter

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOCK = ROOT / "requirements-handlers.lock"
PYTHON_VERSION = "3.13"
# Folders that functions import.
FOLDERS = ("handlers", "cloud", "darkroom/contract")
_CODE_SUFFIXES = {".py", ".toml", ".webp"}
_UNUSED = ("__pycache__", "tests", "test")
_placeholders: ContextVar[Path | None] = ContextVar("placeholders", default=None)


class BuildError(RuntimeError):
    """Raised when the layer or the studio cannot be built; the message has the remedy."""


@contextmanager
def placeholder_assets(folder: Path) -> Iterator[None]:
    """Context manager in which layer and studio are not built: for templates that are read, never deployed.

    ``folder`` takes the file that stands for them.
    """
    stand_in = folder / "placeholder"
    stand_in.mkdir()
    (stand_in / "index.html").touch()
    token = _placeholders.set(stand_in)
    try:
        yield
    finally:
        _placeholders.reset(token)


def placeholder() -> Path | None:
    """Return the folder that stands for what takes the network to build, None where it is built."""
    return _placeholders.get()


def code_files() -> list[Path]:
    """Return the files of the functions, relative to the project, sorted."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in _CODE_SUFFIXES]
    return sorted(path.relative_to(ROOT) for path in (ROOT / "darkroom" / "__init__.py", *found))


def files_under(*names: str) -> list[Path]:
    """Return the files at and in these paths, code and data, relative to the project, sorted.

    Caches and hidden files, such as those of an editor, are left out.
    """
    found = set()
    for path in (ROOT / name for name in names):
        found |= (
            {path.relative_to(ROOT)}
            if path.is_file()
            else {each.relative_to(ROOT) for each in path.rglob("*") if each.is_file()}
        )
    return sorted(path for path in found if not any(part == "__pycache__" or part[0] == "." for part in path.parts))


def digest(files: Iterable[Path], *extra: str) -> str:
    """Return one SHA-256 (hex) over names and contents of files below the project, and over ``extra``."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(path.as_posix().encode() + b"\0")
        total.update(hashlib.sha256((ROOT / path).read_bytes()).digest())
    for text in extra:
        total.update(text.encode() + b"\0")
    return total.hexdigest()


def move_into_place(staging: Path, target: Path) -> None:
    """Move a finished folder to ``target``; discard it if a concurrent process has already created the same."""
    try:
        staging.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(staging)


def copy_code(target: Path) -> None:
    """Copy the functions' code into a folder."""
    for path in code_files():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target / path)


def build_code(build: Path = BUILD, *, bytecode: bool = False) -> Path:
    """Return a folder with the functions' code only. With ``bytecode``, it is compiled for Lambda where that is
    possible.
    """
    files = code_files()
    python = runtime_interpreter() if bytecode else None
    target = build / "code" / digest(files, *(["bytecode", PYTHON_VERSION] if python else []))[:16]
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".code-", dir=target.parent))
        copy_code(staging)
        if python:
            compile_folder(staging, python=python, installed_at="/var/task")
        staging.chmod(0o755)
        move_into_place(staging, target)
    return target


def install_packages(target: Path, *options: str) -> None:
    """Install wheels into a folder, as uv's ``options`` say. Raises ``BuildError``."""
    command = [_uv(), "pip", "install", "--quiet", "--target", str(target), *options]
    command += ["--only-binary", ":all:", "--no-installer-metadata", "--link-mode", "copy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"uv could not install the functions' dependencies:\n{done.stderr.strip()}")


def runtime_interpreter() -> str | None:
    """Return a Python of Lambda's version, which compiles the functions; None if there is none here."""
    return find_interpreter(PYTHON_VERSION, _uv())


def _uv() -> str:
    beside = Path(sys.executable).parent / ("uv.exe" if os.name == "nt" else "uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise BuildError("uv is needed to build the layer of the functions' dependencies: pip install uv")
    return found


def build_layer(build: Path = BUILD) -> Path:
    """Return a folder with ``python/``: the functions' locked dependencies for Lambda on arm64.

    Built from wheels without Docker, and cached by the lock's digest, so that only the first synth needs the network.
    It is compiled for Lambda's Python where there is one. Raises ``BuildError``.
    """
    if (stand_in := placeholder()) is not None:
        return stand_in
    python = runtime_interpreter()
    target = build / "layer" / digest([LOCK.relative_to(ROOT)], PYTHON_VERSION, *(["bytecode"] if python else []))[:16]
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".layer-", dir=target.parent))
        try:
            install_packages(
                staging / "python",
                *("--requirement", str(LOCK), "--require-hashes"),
                *("--python-platform", "aarch64-manylinux_2_28", "--python-version", PYTHON_VERSION),
            )
        except BuildError:
            shutil.rmtree(staging)
            raise
        for name in _UNUSED:
            for folder in list((staging / "python").rglob(name)):
                shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(staging / "python" / "bin", ignore_errors=True)
        (staging / "python" / ".lock").unlink(missing_ok=True)
        if python:
            compile_folder(staging, python=python, installed_at="/opt")
        staging.chmod(0o755)
        move_into_place(staging, target)
    return target

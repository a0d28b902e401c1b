"""Bytecode of the functions' packages, compiled by the Lambda runtime's Python.

Lambda cannot store the bytecode that it compiles, so that without it every cold start compiles every module again.
Files are marked as unchecked (PEP 552): Python does not look at their source, and equal sources give equal bytes.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

VARIABLE = "LAMBDA_PYTHON"
_VERSION = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
_COMPILE_SECONDS = 600.0


@cache
def find_interpreter(version: str, uv: str) -> str | None:
    """Return a Python of exactly this minor version (``3.13``), since bytecode of another one is ignored.

    It is the one that ``LAMBDA_PYTHON`` names, this one, one on the PATH, or one that uv has; None if there is none.
    """
    candidates = [os.environ.get(VARIABLE), sys.executable, shutil.which(f"python{version}")]
    found = subprocess.run(
        [uv, "python", "find", "--no-python-downloads", version], capture_output=True, text=True, check=False
    )
    candidates.append(found.stdout.strip())
    for candidate in candidates:
        if candidate and _version_of(candidate) == version:
            return candidate
    return None


def _version_of(python: str) -> str | None:
    try:
        done = subprocess.run([python, "-I", "-c", _VERSION], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def compile_folder(folder: Path, *, python: str, installed_at: str) -> None:
    """Compile every module below ``folder``. ``installed_at`` is the folder's path in Lambda, for tracebacks.

    Raises ``subprocess.CalledProcessError`` for a module that does not compile.
    """
    command = [python, "-I", "-m", "compileall", "-q", "-j", "1", "-s", str(folder), "-p", installed_at]
    subprocess.run(
        [*command, "--invalidation-mode", "unchecked-hash", str(folder)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        timeout=_COMPILE_SECONDS,
    )

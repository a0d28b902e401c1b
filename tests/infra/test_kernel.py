"""The CDK's kernel: where it keeps its files."""

import os
import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT

CACHE = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"


def kernel_cache(**environment: str) -> Path:
    """The folder that the kernel of a new process unpacks its libraries into."""
    inherited = {name: value for name, value in os.environ.items() if name != CACHE}
    code = f"import infra, os; print(os.environ.get({CACHE!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=inherited | environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return Path(done.stdout.strip())


def test_the_kernel_unpacks_its_libraries_into_the_project(tmp_path: Path) -> None:
    assert kernel_cache(HOME=str(tmp_path)) == ROOT / "build" / "jsii"


def test_a_cache_of_the_users_own_is_used(tmp_path: Path) -> None:
    assert kernel_cache(**{CACHE: str(tmp_path)}) == tmp_path

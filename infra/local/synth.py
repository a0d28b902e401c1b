"""Cached synthesis of the local template, which takes seconds."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from infra.bundling.functions import BUILD, ROOT, code_files, digest, files_under
from infra.bundling.lane_code import LANE_CODE

# Files and folders, with code and data, that the template is made from, besides infra/*.py and the functions' code.
TEMPLATE_CODE = (
    *("infra/stacks", "infra/constructs", "infra/bundling", "infra/prices.toml", "pipeline/weights"),
    *("cdk.json", "requirements.lock", "requirements-handlers.lock"),
)
_KEPT = 8  # assemblies; the least recently used are deleted


class SynthError(RuntimeError):
    """Raised when the app does not synthesize; the message is its output."""


def fingerprint(context: Mapping[str, str]) -> str:
    """Return a digest of everything that the template and the functions' code depend on."""
    top = [path.relative_to(ROOT) for path in (ROOT / "infra").glob("*.py")]
    files = {*top, *files_under(*TEMPLATE_CODE, *LANE_CODE), *code_files()}
    return digest(files, json.dumps(dict(context), sort_keys=True))[:20]


def cached_assembly(context: Mapping[str, str], *, cache: Path = BUILD / "synth") -> Path:
    """Return the cloud assembly for a context, in a folder named by its fingerprint. Raises ``SynthError``."""
    target = cache / fingerprint(context)
    if target.is_dir():
        with suppress(OSError):  # of another user's checkout; the time only says what to delete first
            target.touch()
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / ".lock"):  # a concurrent process may have synthesized it meanwhile
        if not target.is_dir():
            _synthesize(context, target)
    for old in sorted(cache.glob("[!.]*"), key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def _synthesize(context: Mapping[str, str], target: Path) -> None:
    staging = Path(tempfile.mkdtemp(prefix=".synth-", dir=target.parent))
    try:
        arguments = [f"--context={key}={value}" for key, value in context.items()]
        command = [sys.executable, "-m", "infra", "--output", str(staging / "cdk.out"), *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SynthError(done.stderr.strip() or f"synthesis ended with status {done.returncode}")
        (staging / "cdk.out").rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)

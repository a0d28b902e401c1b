"""Emulator process: MiniStack behind the request guard, on one port of the loopback interface."""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import httpx2

from infra.bundling.functions import ROOT, digest, files_under
from infra.local.access.routes import HEALTH
from infra.local.process import Process
from infra.local.snapshots.files import STATE
from infra.local.state import RootKey, private_folder

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "000000000000"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
_FREE_SECONDS = 10.0
LOG = "emulator.log"
MODULE = "infra.local.access"  # what is started; a measurement replaces it by one that counts the calls
# Files and folders that the emulator's process loads of ours.
GUARD_CODE = (
    *("infra/local/access", "infra/local/snapshots", "infra/local/process.py", "infra/local/state.py"),
    "darkroom/client/output_files.py",
)
TRACING_DISABLED = {
    "POWERTOOLS_TRACE_DISABLED": "true",
    "AWS_XRAY_SDK_ENABLED": "false",
}  # there is no X-Ray daemon here
# Passed on from the caller's environment; nothing else, since functions inherit it.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "USERPROFILE", "LD_LIBRARY_PATH")


class StartError(RuntimeError):
    """Raised when a process does not start; the message names it and its log."""


class PortTakenError(StartError):
    """Raised when another program listens on the port."""


def address(port: int) -> str:
    """Return the emulator's URL.

    >>> address(4566)
    'http://127.0.0.1:4566'
    """
    return f"http://{HOST}:{port}"


def own_environment() -> dict[str, str]:
    """Return the variables of the caller's environment that every child process gets."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def credentials(port: int, key: RootKey) -> dict[str, str]:
    """Return the environment of a root client of the emulator."""
    return {
        **own_environment(),
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": address(port),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "2",
        "PYTHONUNBUFFERED": "1",
    }


def listening(port: int) -> bool:
    """Return True if a program listens on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def wait_until_free(port: int) -> None:
    """Return when nothing listens on the port of an emulator that was killed; its threads end one by one."""
    deadline = time.monotonic() + _FREE_SECONDS
    while listening(port) and time.monotonic() < deadline:
        time.sleep(0.05)


def start(folder: Path, port: int, environment: Mapping[str, str]) -> Process:
    """Start the emulator with the state under ``folder``, which must be repaired, and the given ``environment``.

    Raises ``PortTakenError``.
    """
    if listening(port):
        raise PortTakenError(f"port {port} is in use by another program; choose one with --port")
    private_folder(folder)
    (folder / "tmp").mkdir(exist_ok=True)
    command = [sys.executable, "-m", MODULE]
    return Process.spawn(command, environment=environment, log=folder / LOG, folder=ROOT)


def environment(
    folder: Path, port: int, *, endpoint_url: str, origins: Collection[str] = (), snapshots: bool = True
) -> dict[str, str]:
    """Return the emulator's environment: state under ``folder``, SageMaker's calls sent to ``endpoint_url``.

    ``origins`` are allowed web origins besides the studio's. Without ``snapshots``, nothing is saved.
    """
    return {
        **credentials(port, RootKey.of(folder)),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / STATE),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "s3"),
        "TMPDIR": str(folder / "tmp"),
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_WARM_TTL_SECONDS": "60",
        "AWS_ENDPOINT_URL_SAGEMAKER": endpoint_url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoint_url,
        "GUARD_FOLDER": str(folder),
        "GUARD_PORT": str(port),
        "GUARD_ORIGINS": json.dumps(sorted(origins)),
        "GUARD_SNAPSHOTS": json.dumps(snapshots),
        **TRACING_DISABLED,
    }


def fingerprint(environment: Mapping[str, str]) -> str:
    """Return a digest of the emulator's environment and of our files in its process; a change requires a restart.

    Variables from the caller's environment are excluded: the next command may come from another shell.
    """
    settings = {name: value for name, value in environment.items() if name not in _KEPT}
    return digest(files_under(*GUARD_CODE), json.dumps(settings, sort_keys=True))


def wait_until_ready(process: Process, url: str, log: Path, *, seconds: float = START_SECONDS) -> None:
    """Return when ``url`` responds with 200. Raises ``StartError`` when the process ends or the time is up."""
    deadline = time.monotonic() + seconds
    with httpx2.Client(trust_env=False, timeout=5.0) as http:
        while time.monotonic() < deadline:
            try:
                if http.get(url).is_success:
                    return
            except httpx2.TransportError:
                pass
            if process.find() is None:
                break
            time.sleep(0.05)
    raise StartError(f"it does not answer on {url}; the end of {log} says:\n{tail(log)}")


def ready_url(port: int) -> str:
    """Return the URL that responds with 200 once the emulator is ready."""
    return f"{address(port)}{HEALTH}"


def stop(process: Process, folder: Path, *, save: bool = True) -> bool:
    """Stop the emulator, saving its state by default, and remove its temporary files. Returns False if it was
    killed.
    """
    saved = process.stop(STOP_SECONDS if save else 0)
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    return saved


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""

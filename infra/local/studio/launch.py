"""Start and stop of the studio's server beside a running stack."""

import json
import sys
from pathlib import Path

from darkroom.client.ports import free_port
from infra.bundling.functions import ROOT, digest, files_under
from infra.local import emulator
from infra.local.access.keys import studio_key
from infra.local.process import Process
from infra.local.state import RootKey, RunningProcesses, StackState
from infra.local.studio.server import KEY_PARAMETER
from infra.local.studio.settings import StudioConfig, User

LOG = "studio.log"
# Files and folders that the studio's server loads.
STUDIO_CODE = ("infra/local/studio", "infra/studio_headers.py")
_STOP_SECONDS = 5.0


def serve(
    folder: Path, running: RunningProcesses, state: StackState, *, built: Path, deployment: str
) -> RunningProcesses:
    """Serve the built studio for the stack in ``folder``, restarting it after changes; return when it is ready.

    Raises ``StartError``; a started process is recorded in the folder's ``RunningProcesses`` by then.
    """
    auth = state.auth
    config = StudioConfig(
        deployment=deployment,
        api_url=state.endpoint,
        identity_url=auth.url,
        local_user=User(username=auth.username, password=auth.password),
    )
    settings = {
        "STUDIO_HOST": emulator.HOST,
        "STUDIO_FOLDER": str(built),
        "STUDIO_EMULATOR_URL": emulator.address(running.port),
        "STUDIO_CONFIG": config.model_dump_json(),
        "STUDIO_KEY": _key(folder),
        "STUDIO_STACK_FOLDER": str(folder),  # by which infra.local.orphans knows whose server it is
    }
    wanted = digest(files_under(*STUDIO_CODE), json.dumps(settings, sort_keys=True))
    if running.studio is not None and running.studio.find() is not None:
        if running.studio_digest == wanted:
            return running
        running.studio.stop(_STOP_SECONDS)
    port = running.studio_port
    if port is None or emulator.listening(port):
        port = free_port()
    process = Process.spawn(
        [sys.executable, "-m", "infra.local.studio"],
        environment={**emulator.own_environment(), **settings, "STUDIO_PORT": str(port)},
        log=folder / LOG,
        folder=ROOT,
    )
    running = running.model_copy(update={"studio": process, "studio_digest": wanted, "studio_port": port})
    running.write_started(folder, process)
    emulator.wait_until_ready(process, emulator.address(port), folder / LOG)
    return running


def stop(folder: Path, running: RunningProcesses) -> RunningProcesses:
    """Stop the server; its port is kept for the next start."""
    if running.studio is not None:
        running.studio.stop(_STOP_SECONDS)
        running = running.model_copy(update={"studio": None})
        running.write(folder)
    return running


def url(running: RunningProcesses) -> str | None:
    """Return the studio's URL; None while it is not running."""
    if running.studio is None or running.studio_port is None or running.studio.find() is None:
        return None
    return emulator.address(running.studio_port)


def link(folder: Path, studio_url: str) -> str:
    """Return the link with the key for the local user's password; without it, users sign in by name and password."""
    return f"{studio_url}/?{KEY_PARAMETER}={_key(folder)}"


def _key(folder: Path) -> str:
    return studio_key(RootKey.of(folder).secret_access_key)

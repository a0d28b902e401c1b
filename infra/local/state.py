"""State files in a local stack's folder: processes, deployment, and the emulator's root key."""

import secrets
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from darkroom.client.output_files import replacing
from infra.local.process import Process

FOLDER = ".darkroom"
_OWNER_ONLY = 0o700
_STOP_SECONDS = 5.0


def private_folder(folder: Path) -> None:
    """Create a stack's folder, accessible to its owner only: its files contain secrets."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_OWNER_ONLY)


def write_private(path: Path, text: str) -> None:
    """Write a file of a stack's folder atomically, readable by its owner only."""
    private_folder(path.parent)
    with replacing(path, private=True) as file:
        file.write(text.encode())


class StateFile(BaseModel):
    """A model stored in one file of a stack's folder, readable by its owner only."""

    @classmethod
    def file(cls) -> str:
        """Return the file's name."""
        raise TypeError(f"{cls.__name__} has no file")

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read the file in a folder; None if it is missing or invalid for this version."""
        try:
            return cls.model_validate_json((folder / cls.file()).read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, folder: Path) -> None:
        """Write the file atomically."""
        write_private(folder / self.file(), self.model_dump_json(indent=2) + "\n")


class RootKey(StateFile):
    """Access key with every right on one stack's emulator; its random secret is stored with the stack."""

    access_key_id: str
    secret_access_key: str

    @classmethod
    def file(cls) -> str:
        return "root_key.json"

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Return the key of the stack in a folder, creating it if needed."""
        known = cls.read(folder)
        if known is None:
            known = cls(access_key_id="darkroom", secret_access_key=secrets.token_urlsafe(30))
            known.write(folder)
        return known


class RunningProcesses(StateFile):
    """Started processes, written immediately after each start so that they can always be stopped.

    A digest covers the environment and code of its process. Ports are kept for the next start.
    """

    port: int
    emulator: Process | None = None
    emulator_digest: str = ""
    stand_in: Process | None = None
    stand_in_digest: str = ""
    endpoint_port: int
    studio: Process | None = None
    studio_digest: str = ""
    studio_port: int | None = None

    @classmethod
    def file(cls) -> str:
        return "processes.json"

    def write_started(self, folder: Path, process: Process) -> None:
        """Write the file for a process that was just started. If that fails, the process is stopped.

        Otherwise, as on a full disk, no command would find it.
        """
        try:
            self.write(folder)
        except BaseException:
            process.stop(_STOP_SECONDS)
            raise

    def processes(self) -> dict[str, Process]:
        """Return the recorded processes by the name of their log."""
        known = {"emulator": self.emulator, "endpoint": self.stand_in, "studio": self.studio}
        return {name: process for name, process in known.items() if process is not None}


class Login(BaseModel):
    """Credentials of the local user. ``url`` is the endpoint for Cognito's InitiateAuth."""

    url: str
    client_id: str
    username: str
    password: str


class Tables(BaseModel):
    """Names of the tables."""

    jobs: str
    sockets: str
    ledger: str
    assets: str


class StackState(StateFile):
    """A deployed stack. ``digest`` identifies its template and code; ``functions`` maps our names to Lambda's.

    ``studio_url`` is None while the studio is not served.
    """

    digest: str
    port: int
    endpoint: str
    socket: str
    endpoint_control: str
    issuer: str
    pool_id: str
    auth: Login
    bucket: str
    tables: Tables
    queue: str
    uploads_queue: str
    dlq: str
    success_topic: str
    error_topic: str
    container_role: str
    event_bus: str
    endpoint_name: str
    functions: dict[str, str]
    studio_url: str | None = None

    @classmethod
    def file(cls) -> str:
        return "stack.json"

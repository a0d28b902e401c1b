"""Local runtime: starts, updates and stops a stack, whose files are all in ``.darkroom/<port>``."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx2

from darkroom.client.ports import free_port
from infra.bundling.functions import ROOT, digest
from infra.config import Config, ConfigError
from infra.local import aws_profile, emulator, synth, users
from infra.local.clients import Clients
from infra.local.deploy import deploy
from infra.local.emulator import StartError, address, listening
from infra.local.endpoint.settings import HEALTH as ENDPOINT_HEALTH
from infra.local.process import Process
from infra.local.progress import Progress
from infra.local.state import Login, RootKey, RunningProcesses, StackState, Tables
from infra.local.studio import launch as studio
from infra.local.warm_up import warm_up_functions
from infra.names import FAILURES, FUNCTIONS, OUTCOMES, function_output
from pipeline.weights.store import default_folder

ENDPOINT_LOG = "endpoint.log"
# Keys of the context that are settings of the stand-in (infra.local.endpoint.settings).
STAND_IN_KEYS = (
    *("stages", "instances", "min_instances", "concurrency", "cold_start_seconds", "idle_seconds"),
    *("weights", "device", "long_side", "container_module"),
)
# Variables of the caller that only the containers get, in addition to emulator.own_environment().
STAND_IN_ENVIRONMENT = ("CUDA_VISIBLE_DEVICES",)
# Code that the stand-in and its containers run.
STAND_IN_CODE = (
    *("pipeline", "containers", "cloud", "darkroom/contract"),
    *("infra/local/endpoint", "infra/local/access"),
)
_STOP_SECONDS = 15.0
_ANSWER_SECONDS = 30.0


class StackOptions:
    """Options of a stack. ``context`` is the CDK app's, and may include the stand-in's settings.

    ``studio`` is the folder of the built studio, if it is to be served. Raises ``ConfigError`` for an invalid context,
    before anything is started.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        context: Mapping[str, object] | None = None,
        *,
        studio: Path | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.port = port
        self.studio = studio
        given = {
            key: json.dumps(value) if isinstance(value, dict) else str(value) for key, value in (context or {}).items()
        }
        self.stand_in = {key: given.pop(key) for key in STAND_IN_KEYS if key in given}
        # The containers run in another folder, without the caller's DARKROOM_WEIGHTS and cache folder.
        self.stand_in["weights"] = str(Path(self.stand_in.get("weights") or default_folder()).expanduser().resolve())
        self.context = {"stage": "local", "destroy": "true", **given, "local": "true"}
        self.config = Config.read(self.context)
        if self.config.issuer:
            raise ConfigError("a local stack has its own Cognito pool: it takes no issuer")

    def clients(self) -> Clients:
        """Return root clients of the stack's emulator."""
        return Clients(self.port, RootKey.of(self.folder))

    def emulator_environment(self, endpoint_port: int) -> dict[str, str]:
        """Return the emulator's environment. The default ``*`` allows every origin in the cloud, but only the studio
        here.
        """
        origins = [origin for origin in self.config.origins if origin != "*"]
        return emulator.environment(self.folder, self.port, endpoint_url=address(endpoint_port), origins=origins)


def find_running(folder: Path) -> StackState | None:
    """Return the stack in a folder, if its API responds."""
    running, state = RunningProcesses.read(folder), StackState.read(folder)
    if running is None or state is None or running.emulator is None or running.emulator.find() is None:
        return None
    if not _responds(state):
        return None
    return state.model_copy(update={"studio_url": studio.url(running)})


def up(options: StackOptions, progress: Progress) -> StackState:
    """Start or update the stack; return when it is ready.

    Raises ``StartError`` (including ``PortTakenError``), ``SynthError`` or ``DeployError``, after stopping everything
    started.
    """
    try:
        running = _ensure_emulator(options, progress)
        with progress.step("synthesizing"):
            assembly = synth.cached_assembly(options.context)
        with progress.step("waiting for the emulator"):
            assert running.emulator is not None
            emulator.wait_until_ready(running.emulator, emulator.ready_url(options.port), options.folder / emulator.LOG)
        state = StackState.read(options.folder)
        if state is not None and state.digest == assembly.name:
            running = _ensure_endpoint(options, running, state)  # starts in parallel with the emulator
            if not _responds(state):
                state = None
        else:
            state = None
        if state is None:
            with progress.step("deploying"):
                state = _deploy(options, assembly)
            running = _ensure_endpoint(options, running, state)
        with progress.step("starting the endpoint"):
            state = state.model_copy(update={"endpoint_control": address(running.endpoint_port)})
            assert running.stand_in is not None
            url = f"{state.endpoint_control}{ENDPOINT_HEALTH}"
            emulator.wait_until_ready(running.stand_in, url, options.folder / ENDPOINT_LOG)
        if options.studio is None:
            running = studio.stop(options.folder, running)
        else:
            stage = options.config.stage
            running = studio.serve(options.folder, running, state, built=options.studio, deployment=stage)
        state = state.model_copy(update={"studio_url": studio.url(running)})
        warm_up_functions(options.clients(), state.functions)
        aws_profile.write(options.folder, options.port)
        state.write(options.folder)
    except BaseException:
        down(options.folder)
        raise
    return state


def down(folder: Path, *, save: bool = True) -> bool:
    """Stop the stack; idempotent. Returns False when nothing was running.

    Without ``save``, processes are killed at once and unsaved state is lost.
    """
    running = RunningProcesses.read(folder)
    if running is None or not running.processes():
        return False
    if running.studio is not None:
        running.studio.stop(_STOP_SECONDS if save else 0)
    if running.stand_in is not None:
        running.stand_in.stop(_STOP_SECONDS if save else 0)
    if running.emulator is not None:
        emulator.stop(running.emulator, folder, save=save)
    running.model_copy(update={"emulator": None, "stand_in": None, "studio": None}).write(folder)
    return True


def purge(folder: Path) -> None:
    """Delete a stopped stack: its jobs, pictures and users."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.is_dir() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def _ensure_emulator(options: StackOptions, progress: Progress) -> RunningProcesses:
    """Start the emulator, or restart it if its environment or guard has changed; it may not be ready yet."""
    running = RunningProcesses.read(options.folder)
    if running is not None and running.emulator is not None:
        if running.emulator.find() is not None:
            if running.emulator_digest == emulator.fingerprint(options.emulator_environment(running.endpoint_port)):
                return running
            progress.say("restarting the emulator: its settings or its request guard have changed")
        down(options.folder)  # the stand-in is useless without the emulator
    port = running.endpoint_port if running is not None else free_port()
    if listening(port):
        port = free_port()
    environment = options.emulator_environment(port)
    process = emulator.start(options.folder, options.port, environment)
    running = RunningProcesses(
        port=options.port,
        endpoint_port=port,
        emulator=process,
        emulator_digest=emulator.fingerprint(environment),
        studio_port=running.studio_port if running is not None else None,
    )
    running.write(options.folder)
    progress.say(f"starting the emulator on port {options.port}")
    return running


def _deploy(options: StackOptions, assembly: Path) -> StackState:
    before = StackState.read(options.folder)
    clients = options.clients()
    outputs = deploy(clients, assembly, port=options.port)
    url = address(options.port)
    username = users.LOCAL_USER
    password = before.auth.password if before is not None else users.make_password()
    users.make_user(clients, outputs["PoolId"], username, password)
    users.make_admin(clients, outputs["PoolId"], username)  # the local user is the operator
    return StackState(
        digest=assembly.name,
        port=options.port,
        endpoint=outputs["ApiUrl"],
        socket=outputs["SocketUrl"],
        endpoint_control="",
        issuer=outputs["Issuer"],
        pool_id=outputs["PoolId"],
        auth=Login(url=url, client_id=outputs["ClientId"], username=username, password=password),
        bucket=outputs["Bucket"],
        tables=Tables(
            jobs=outputs["JobsTable"],
            sockets=outputs["SocketsTable"],
            ledger=outputs["LedgerTable"],
            assets=outputs["AssetsTable"],
        ),
        queue=outputs["QueueUrl"],
        uploads_queue=outputs["UploadsQueueUrl"],
        dlq=outputs["DeadLettersUrl"],
        success_topic=outputs["SuccessTopic"],
        error_topic=outputs["ErrorTopic"],
        container_role=outputs["ContainerRole"],
        event_bus=outputs["EventBus"],
        endpoint_name=options.config.endpoint_name,
        functions={name: outputs[function_output(name)] for name in FUNCTIONS},
    )


def _stand_in_environment(options: StackOptions, running: RunningProcesses, state: StackState) -> dict[str, str]:
    return {
        **emulator.credentials(options.port, RootKey.of(options.folder)),
        "HOST": emulator.HOST,
        "PORT": str(running.endpoint_port),
        "ENDPOINT_NAME": state.endpoint_name,
        "OUTPUT_LOCATION": f"s3://{state.bucket}/{OUTCOMES}",
        "FAILURE_LOCATION": f"s3://{state.bucket}/{FAILURES}",
        "SUCCESS_TOPIC_ARN": state.success_topic,
        "ERROR_TOPIC_ARN": state.error_topic,
        "CONTAINER_ROLE_ARN": state.container_role,
        "JOBS_TABLE": state.tables.jobs,
        "LEDGER_TABLE": state.tables.ledger,
        "BUCKET": state.bucket,
        "CONCURRENCY": str(options.config.jobs_per_instance),
        "MODELS": json.dumps(options.config.models),
        "ACCEPT_RESEARCH_LICENCE": str(options.config.accept_research_licence).lower(),
        "SPEECH": options.config.speech,
        "TMPDIR": str(options.folder / "tmp"),
        **{name: os.environ[name] for name in STAND_IN_ENVIRONMENT if name in os.environ},
        **{key.upper(): value for key, value in options.stand_in.items()},
    }


def _ensure_endpoint(options: StackOptions, running: RunningProcesses, state: StackState) -> RunningProcesses:
    """Start the stand-in, or restart it if its environment or code has changed; it may not be ready yet."""
    environment = _stand_in_environment(options, running, state)
    code = [path.relative_to(ROOT) for folder in STAND_IN_CODE for path in (ROOT / folder).rglob("*.py")]
    wanted_digest = digest(code, json.dumps(environment, sort_keys=True))
    if running.stand_in is not None and running.stand_in.find() is not None:
        if running.stand_in_digest == wanted_digest:
            return running
        running.stand_in.stop(_STOP_SECONDS)
    process = Process.spawn(
        [sys.executable, "-m", "infra.local.endpoint"],
        environment=environment,
        log=options.folder / ENDPOINT_LOG,
        folder=ROOT,
    )
    running = running.model_copy(update={"stand_in": process, "stand_in_digest": wanted_digest})
    running.write(options.folder)
    return running


def _responds(state: StackState) -> bool:
    """Return True if the API responds to ``GET /config``, which needs no token and no other service."""
    try:
        with httpx2.Client(trust_env=False, timeout=_ANSWER_SECONDS) as http:
            return http.get(f"{state.endpoint}/config").is_success
    except httpx2.TransportError:
        return False


__all__ = ["StackOptions", "StartError", "down", "find_running", "purge", "up"]

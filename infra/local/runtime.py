"""Local runtime: starts, updates and stops a stack, whose files are all in ``.darkroom/<port>``."""

import shutil
from pathlib import Path

import httpx2

from darkroom.client.ports import free_port
from infra.local import aws_profile, emulator, event_sources, stand_in, synth, users
from infra.local.clients import Clients
from infra.local.deploy import deploy
from infra.local.emulator import StartError, address, listening
from infra.local.endpoint.settings import HEALTH as ENDPOINT_HEALTH
from infra.local.options import StackOptions
from infra.local.progress import Progress
from infra.local.state import Login, RootKey, RunningProcesses, StackState, Tables
from infra.local.studio import launch as studio
from infra.local.warm_up import warm_up_functions
from infra.names import FUNCTIONS, function_output

_STOP_SECONDS = 15.0
_PAUSE_SECONDS = 2.0  # an emulator that hangs is stopped all the same
_ANSWER_SECONDS = 30.0


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
            running = stand_in.ensure(options, running, state)  # starts in parallel with the emulator
            if not _responds(state):
                state = None
        else:
            state = None
        if state is None:
            with progress.step("deploying"):
                state = _deploy(options, assembly)
            running = stand_in.ensure(options, running, state)
        with progress.step("starting the endpoint"):
            state = state.model_copy(update={"endpoint_control": address(running.endpoint_port)})
            assert running.stand_in is not None
            url = f"{state.endpoint_control}{ENDPOINT_HEALTH}"
            emulator.wait_until_ready(running.stand_in, url, options.folder / stand_in.LOG)
            event_sources.resume(options.clients()("lambda"))
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
        if save and running.emulator is not None and running.emulator.find() is not None:
            clients = Clients(running.port, RootKey.of(folder), read_seconds=_PAUSE_SECONDS)
            event_sources.pause(clients("lambda"))
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
    event_sources.pause_saved(options.folder / "state")  # until the endpoint responds
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


def _responds(state: StackState) -> bool:
    """Return True if the API responds to ``GET /config``, which needs no token and no other service."""
    try:
        with httpx2.Client(trust_env=False, timeout=_ANSWER_SECONDS) as http:
            return http.get(f"{state.endpoint}/config").is_success
    except httpx2.TransportError:
        return False


__all__ = ["StackOptions", "StartError", "down", "find_running", "purge", "up"]

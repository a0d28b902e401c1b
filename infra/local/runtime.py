"""Local runtime: starts, updates and stops a stack, whose files are all in ``.darkroom/<port>``."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
from botocore.exceptions import BotoCoreError, ClientError
from filelock import Timeout

from darkroom.client.ports import free_port
from infra.local import aws_profile, emulator, event_sources, stand_in, synth, users
from infra.local.clients import Clients
from infra.local.deploy import deploy, is_deployed, mark_deployed
from infra.local.emulator import PortTakenError, StartError, address, listening
from infra.local.endpoint.invocation_store import InvocationStore
from infra.local.endpoint.settings import HEALTH as ENDPOINT_HEALTH
from infra.local.lock import locked
from infra.local.lost_objects import remove_lost_invocations, remove_lost_objects, repeat_upload_notices
from infra.local.lost_previews import report_lost_previews
from infra.local.options import StackOptions
from infra.local.progress import Progress, Say, silent
from infra.local.snapshots.files import STATE, LostWork, SnapshotFiles, UnsavedChanges, clock
from infra.local.state import Login, RootKey, RunningProcesses, StackState, Tables
from infra.local.studio import launch as studio
from infra.local.warm_up import warm_up_functions
from infra.names import CPU_FUNCTION, FUNCTIONS, function_output

_STOP_SECONDS = 15.0
_PAUSE_SECONDS = 2.0  # an emulator that hangs is stopped all the same
# Fields of ``RunningProcesses`` by the names that its ``processes`` have.
_FIELDS = {"emulator": "emulator", "endpoint": "stand_in", "studio": "studio"}
_ANSWER_SECONDS = 30.0
_ROOM_MEGABYTES = 200  # what functions, snapshots and a few pictures take


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
    that it started.
    """
    with locked(options.folder, "darkroom up", progress.say):
        before = RunningProcesses.read(options.folder)
        try:
            with _readable_errors(options.folder / emulator.LOG):
                return _up(options, progress)
        except BaseException:
            _stop(options.folder, kept=before)
            raise


@contextmanager
def _readable_errors(log: Path) -> Iterator[None]:
    """Raise ``StartError`` for errors of calls to the emulator, which may be killed at any time."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StartError(f"the emulator failed: {error}; the end of {log} says:\n{emulator.tail(log)}") from error
    except Timeout as error:
        raise StartError(f"a snapshot of the stack is still being written: {error}") from error


def _up(options: StackOptions, progress: Progress) -> StackState:
    before = RunningProcesses.read(options.folder)
    free = shutil.disk_usage(options.folder).free // 2**20
    if free < _ROOM_MEGABYTES:
        progress.say(f"warning: {free} MB are free for {options.folder}; functions and jobs may fail")
    running = _ensure_emulator(options, progress)
    with progress.step("synthesizing"):
        assembly = synth.cached_assembly(options.context)
    with progress.step("waiting for the emulator"):
        assert running.emulator is not None
        emulator.wait_until_ready(running.emulator, emulator.ready_url(options.port), options.folder / emulator.LOG)
        _check_emulator(options)
    running, state = _ensure_deployed(options, running, assembly, progress)
    if before is None or before.emulator != running.emulator:
        repeat_upload_notices(options.clients(), state)
        report_lost_previews(options.clients(), state)
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
    return state


def down(folder: Path, *, save: bool = True, say: Say = silent) -> bool:
    """Stop the stack; idempotent. Returns False when nothing was running.

    Without ``save``, processes are killed at once and unsaved state is lost.
    """
    if not folder.is_dir():
        return False
    with locked(folder, "darkroom down", say):
        return _stop(folder, save=save, say=say)


def purge(folder: Path, *, say: Say = silent) -> None:
    """Delete a stack: its jobs, pictures and users. It is stopped if another command has started it again."""
    if not folder.is_dir():
        return
    with locked(folder, "darkroom down --purge", say):
        _stop(folder, save=False)
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # another command has created it again, or its lock is still open
        folder.rmdir()
    with suppress(OSError):
        folder.parent.rmdir()


def _stop(folder: Path, *, save: bool = True, kept: RunningProcesses | None = None, say: Say = silent) -> bool:
    """Stop the recorded processes except those in ``kept``. Returns False when there were none.

    The stand-in and the studio are useless without the emulator, so they are stopped before it. If the emulator could
    not save its last changes, ``say`` tells since when.
    """
    running = RunningProcesses.read(folder)
    if running is None:
        return False
    kept_ones = [] if kept is None else list(kept.processes().values())
    stopped = {name: each for name, each in running.processes().items() if each not in kept_ones}
    if save and "endpoint" in stopped and running.emulator is not None and running.emulator.find() is not None:
        clients = Clients(running.port, RootKey.of(folder), read_seconds=_PAUSE_SECONDS)
        event_sources.pause(clients("lambda"))
    for name, process in reversed(stopped.items()):
        if name == "emulator":
            alive = process.find() is not None
            emulator.stop(process, folder, save=save)
            if alive and save and (unsaved := UnsavedChanges.read(folder)) is not None:
                log = folder / emulator.LOG
                say(f"changes since {clock(unsaved.since)} could not be saved; the end of {log} says:")
                say(emulator.tail(log, lines=3))
        else:
            process.stop(_STOP_SECONDS if save else 0)
    ended: dict[str, None] = {_FIELDS[name]: None for name in stopped}
    if stopped:
        with suppress(OSError):  # on a full disk: the record of ended processes does no harm
            running.model_copy(update=ended).write(folder)
    return bool(stopped)


def _ensure_deployed(
    options: StackOptions, running: RunningProcesses, assembly: Path, progress: Progress
) -> tuple[RunningProcesses, StackState]:
    """Deploy the assembly if the emulator has another one or does not respond, and start the stand-in."""
    state = StackState.read(options.folder)
    known = state is not None and state.digest == assembly.name and is_deployed(options.clients(), assembly)
    if state is not None and known:
        _clear_lost_work(options, state, progress)
        running = stand_in.ensure(options, running, state)
        if _responds(state):
            return running, state
    with progress.step("deploying"):
        state = _deploy(options, assembly)
    _clear_lost_work(options, state, progress)
    if not _responds(state):
        log = options.folder / emulator.LOG
        remedy = "if the saved state is at fault, `darkroom down --purge` deletes it; " if known else ""
        raise StartError(f"the API does not respond; {remedy}the end of {log} says:\n{emulator.tail(log)}")
    return stand_in.ensure(options, running, state), state


def _clear_lost_work(options: StackOptions, state: StackState, progress: Progress) -> None:
    """Say what a killed emulator has lost, and delete its objects and invocations.

    Until then, the API is closed, and the stand-in does not run.
    """
    lost = LostWork.read(options.folder)
    if lost is None:
        return
    clients = options.clients()
    remove_lost_invocations(clients, state, InvocationStore(options.folder / stand_in.INVOCATIONS_FOLDER))
    count = remove_lost_objects(clients, state, lost.since)
    objects = f"; {count} of their objects were deleted" if count else ""
    progress.say(f"jobs since {clock(lost.since)} are lost, because {lost.reason}{objects}")
    (options.folder / LostWork.file()).unlink(missing_ok=True)


def _ensure_emulator(options: StackOptions, progress: Progress) -> RunningProcesses:
    """Start the emulator, or restart it if its environment or guard has changed; it may not be ready yet."""
    running = RunningProcesses.read(options.folder)
    if running is not None and running.emulator is not None:
        if running.emulator.find() is not None:
            if running.emulator_digest == emulator.fingerprint(options.emulator_environment(running.endpoint_port)):
                return running
            progress.say("restarting the emulator: its settings or its request guard have changed")
        else:
            emulator.wait_until_free(options.port)
        _stop(options.folder)  # the stand-in is useless without the emulator
    port = running.endpoint_port if running is not None else free_port()
    if listening(port):
        port = free_port()
    environment = options.emulator_environment(port)
    for sentence in SnapshotFiles(options.folder).repair():  # first: an interrupted snapshot may keep the port open
        progress.say(sentence)
    event_sources.pause_saved(options.folder / STATE)  # until the endpoint responds
    process = emulator.start(options.folder, options.port, environment)
    running = RunningProcesses(
        port=options.port,
        endpoint_port=port,
        emulator=process,
        emulator_digest=emulator.fingerprint(environment),
        studio_port=running.studio_port if running is not None else None,
    )
    running.write_started(options.folder, process)
    progress.say(f"starting the emulator on port {options.port}")
    return running


def _check_emulator(options: StackOptions) -> None:
    """Raise ``PortTakenError`` if the emulator on the port is another folder's, started at the same time."""
    try:
        options.clients()("sts").get_caller_identity()
    except ClientError as error:
        raise PortTakenError(f"port {options.port} is in use by another stack; choose one with --port") from error


def _deploy(options: StackOptions, assembly: Path) -> StackState:
    before = StackState.read(options.folder)
    clients = options.clients()
    outputs = deploy(clients, assembly, port=options.port)
    url = address(options.port)
    username = users.LOCAL_USER
    password = before.auth.password if before is not None else users.make_password()
    users.make_user(clients, outputs["PoolId"], username, password)
    users.make_admin(clients, outputs["PoolId"], username)  # the local user is the operator
    mark_deployed(clients, assembly)
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
        functions={
            name: outputs[output] for name in (*FUNCTIONS, CPU_FUNCTION) if (output := function_output(name)) in outputs
        },
    )


def _responds(state: StackState) -> bool:
    """Return True if the API responds to ``GET /config``, which needs no token and no other service."""
    try:
        with httpx2.Client(trust_env=False, timeout=_ANSWER_SECONDS) as http:
            return http.get(f"{state.endpoint}/config").is_success
    except httpx2.TransportError:
        return False


__all__ = ["StackOptions", "StartError", "down", "find_running", "purge", "up"]

"""Components of the local runtime, without starting a stack."""

import errno
import json
import os
import shutil
import socket
import stat
from pathlib import Path

import boto3
import pytest

from darkroom.client.ports import free_port
from infra.config import ConfigError
from infra.local import aws_profile, emulator, runtime, stand_in, synth, users
from infra.local.emulator import PortTakenError, StartError
from infra.local.options import StackOptions
from infra.local.process import Process
from infra.local.progress import Progress, silent
from infra.local.snapshots.files import UnsavedChanges, clock, now
from infra.local.state import RootKey, RunningProcesses, StackState
from infra.local.synth import SynthError
from tests.infra.python_process import SLEEP, started


def test_state_files_are_readable_by_their_owner_only(tmp_path: Path, state: StackState) -> None:
    state.write(tmp_path / "4599")
    assert stat.S_IMODE((tmp_path / "4599" / "stack.json").stat().st_mode) == 0o600
    assert StackState.read(tmp_path / "4599") == state
    assert [path.name for path in (tmp_path / "4599").iterdir()] == ["stack.json"]


def test_a_stacks_folder_is_accessible_to_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "4599"
    folder.mkdir(mode=0o755)
    key = RootKey.of(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    aws_profile.write(folder, 4599)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert RootKey.of(folder) == key
    assert RootKey.of(tmp_path / "4600").secret_access_key != key.secret_access_key


def test_sdks_reach_the_stack_with_its_aws_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_profile.write(tmp_path, 4599)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / aws_profile.FILE))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody's own")
    session = boto3.Session(profile_name=aws_profile.NAME)
    credentials = session.get_credentials()
    assert credentials is not None
    assert credentials.secret_key == RootKey.of(tmp_path).secret_access_key
    assert session.client("sqs").meta.endpoint_url == "http://127.0.0.1:4599"


def test_the_emulators_fingerprint_ignores_the_callers_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fingerprint(**context: object) -> str:
        return emulator.fingerprint(StackOptions(tmp_path, 4599, context).emulator_environment(1))

    before = fingerprint()
    monkeypatch.setenv("PATH", f"/elsewhere{os.pathsep}{os.environ['PATH']}")
    assert fingerprint() == before
    assert fingerprint(origins="*") == before
    assert fingerprint(origins="http://localhost:5173") != before


def test_an_incomplete_state_file_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"port": 45')
    assert StackState.read(tmp_path) is None
    assert StackState.read(tmp_path / "missing") is None


def test_a_port_in_use_raises_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((emulator.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} is in use"):
            emulator.start(tmp_path, port, {})


def test_a_process_that_ends_at_once_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    process = started("print('no such thing'); raise SystemExit(3)", tmp_path)
    with pytest.raises(StartError, match="no such thing"):
        emulator.wait_until_ready(process, "http://127.0.0.1:1/", tmp_path / "log")


def test_functions_do_not_inherit_the_callers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    environment = emulator.credentials(4599, RootKey(access_key_id="key", secret_access_key="secret"))
    assert not {"AWS_PROFILE", "PYTHONPATH"} & environment.keys()
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4599"


def test_equal_inputs_give_the_same_assembly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context = {"stage": "local"}
    (tmp_path / synth.fingerprint(context)).mkdir()
    monkeypatch.setattr(synth.subprocess, "run", pytest.fail)
    assert synth.cached_assembly(context, cache=tmp_path) == tmp_path / synth.fingerprint(context)
    assert synth.fingerprint({"stage": "local", "upload_seconds": "5"}) != synth.fingerprint(context)


def test_an_invalid_context_is_rejected_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="upload_secnds"):
        StackOptions(tmp_path, 4599, {"upload_secnds": "5"})
    with pytest.raises(ConfigError, match="its own Cognito pool"):
        StackOptions(tmp_path, 4599, {"issuer": "https://issuer.example", "audience": "us"})


def test_settings_of_the_stand_in_are_not_passed_to_the_cdk_app(tmp_path: Path) -> None:
    options = StackOptions(tmp_path, 4599, {"stages": "noop", "upload_seconds": 60})
    assert options.stand_in["stages"] == "noop"
    assert options.config.upload_seconds == 60


def test_the_containers_environment_has_weights_and_device(
    tmp_path: Path, state: StackState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def environment_of(context: dict[str, object]) -> dict[str, str]:
        options = StackOptions(tmp_path, 4599, context)
        return stand_in.environment(options, RunningProcesses(port=4599, endpoint_port=1), state)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DARKROOM_WEIGHTS", str(tmp_path / "mine"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    environment = environment_of({})
    assert environment["WEIGHTS"] == str(tmp_path / "mine")
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["OMP_NUM_THREADS"]) == ("1", "3")
    assert not {"DEVICE", "LONG_SIDE"} & environment.keys()

    environment = environment_of(
        {
            "weights": "tiny",
            "device": "cpu",
            "long_side": 256,
            "models": {"detector": "rt-detr-r18"},
            "accept_research_licence": True,
            "speech": "polly",
        },
    )
    assert environment["WEIGHTS"] == str(tmp_path / "tiny")
    assert (environment["DEVICE"], environment["LONG_SIDE"]) == ("cpu", "256")
    assert json.loads(environment["MODELS"]) == {"detector": "rt-detr-r18"}
    assert environment["ACCEPT_RESEARCH_LICENCE"] == "true"
    assert environment["SPEECH"] == "polly"


def test_passwords_are_random_and_satisfy_the_pools_policy() -> None:
    passwords = {users.make_password() for _ in range(50)}
    assert len(passwords) == 50
    for password in passwords:
        assert len(password) >= 14
        assert any(c.islower() for c in password)
        assert any(c.isupper() for c in password)
        assert any(c.isdigit() for c in password)
        assert any(not c.isalnum() for c in password)


def test_down_is_idempotent(tmp_path: Path) -> None:
    RunningProcesses(port=4599, endpoint_port=1, emulator=started(SLEEP, tmp_path)).write(tmp_path)
    assert runtime.down(tmp_path)
    assert not runtime.down(tmp_path)
    assert not runtime.down(tmp_path / "missing")


def test_a_failing_up_leaves_running_what_another_has_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_context: object) -> Path:
        raise SynthError("no")

    options = StackOptions(tmp_path, 4599, {"stages": "noop"})
    digest = emulator.fingerprint(options.emulator_environment(1))
    process = started(SLEEP, tmp_path)
    RunningProcesses(port=4599, endpoint_port=1, emulator=process, emulator_digest=digest).write(tmp_path)
    monkeypatch.setattr(synth, "cached_assembly", fail)
    with pytest.raises(SynthError):
        runtime.up(options, Progress(silent))
    assert process.find() is not None
    assert runtime.down(tmp_path)
    assert process.find() is None


def test_a_disk_that_is_nearly_full_is_named_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With some room, the stack starts, but its functions do not."""

    def fail(*_arguments: object) -> RunningProcesses:
        raise StartError("full")

    said: list[str] = []
    monkeypatch.setattr(runtime, "_ensure_emulator", fail)
    usage = shutil.disk_usage(tmp_path)
    for free, warned in [(3 * 2**20, True), (3 * 2**30, False)]:
        said.clear()
        monkeypatch.setattr(shutil, "disk_usage", lambda _folder, free=free: usage._replace(free=free))
        with pytest.raises(StartError):
            runtime.up(StackOptions(tmp_path, 4599), Progress(said.append))
        assert (
            any(text == f"warning: 3 MB are free for {tmp_path}; functions and jobs may fail" for text in said)
            is warned
        )


def test_a_stop_says_since_when_changes_could_not_be_saved(tmp_path: Path) -> None:
    """An emulator marks its changes, and removes the mark when they are saved; on a full disk, it cannot."""
    said: list[str] = []
    process = started(SLEEP, tmp_path)
    RunningProcesses(port=4599, endpoint_port=1, emulator=process).write(tmp_path)
    (tmp_path / emulator.LOG).write_text("the last snapshot failed: OSError(28, 'No space left on device')\n")
    since = now()
    UnsavedChanges(since=since).write(tmp_path)
    assert runtime.down(tmp_path, say=said.append)
    assert said[0].startswith(f"changes since {clock(since)} could not be saved")
    assert "No space left on device" in said[1]


def test_a_process_that_cannot_be_recorded_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk, no command would find it."""
    processes: list[Process] = []

    def start(*_arguments: object) -> Process:
        processes.append(started(SLEEP, tmp_path))
        return processes[0]

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(emulator, "start", start)
    monkeypatch.setattr(RunningProcesses, "write", refuse)
    with pytest.raises(OSError, match="No space left"):
        runtime.up(StackOptions(tmp_path, free_port()), Progress(silent))
    (process,) = processes
    left = process.find()
    process.stop(0)
    assert left is None


def test_a_purge_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / ".darkroom" / "4599"
    RunningProcesses(port=4599, endpoint_port=1, emulator=started(SLEEP, tmp_path)).write(folder)
    runtime.purge(folder)
    assert not folder.parent.exists()


def test_an_assembly_in_another_users_checkout_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError

    assembly = tmp_path / synth.fingerprint({})
    assembly.mkdir()
    monkeypatch.setattr(Path, "touch", refuse)
    assert synth.cached_assembly({}, cache=tmp_path) == assembly

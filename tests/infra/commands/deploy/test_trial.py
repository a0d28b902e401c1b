"""``darkroom deploy try``: what it needs, and what it removes after an interrupt. Real trials are in tests/e2e."""

from collections.abc import Iterator

import pytest

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from infra.commands.deploy import trial as trial_module
from infra.commands.deploy.deployment import Deployment
from infra.commands.deploy.trial_job import Trial
from tests.infra.commands.deploy.command_line import CORE, JOB, run
from tests.infra.commands.deploy.stubbed_account import StubbedAccount


def test_a_deployment_that_is_not_there_cannot_be_tried(operator: StubbedAccount) -> None:
    operator.stack("core")
    operator.stack("gpu")
    result = run("try")
    assert (result.exit_code, "not_deployed" in result.stderr) == (1, True)


def test_without_a_login_the_trial_says_how_to_sign_in(
    operator: StubbedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DARKROOM_TOKEN", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    operator.stack("core", "UPDATE_COMPLETE", CORE)
    operator.stack("gpu")
    result = run("try")
    assert (result.exit_code, "darkroom login --endpoint https://api.example" in result.stderr) == (1, True)


def test_a_port_belongs_to_the_local_stack() -> None:
    assert run("try", "--port", "1001").exit_code == 2


class Abandoned:
    """Stands in for client and cleanup: notes which jobs are cancelled and removed."""

    def __init__(self, notes: list[object]) -> None:
        self.notes = notes

    def __enter__(self) -> "Abandoned":
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def abandon(self, job_id: str) -> None:
        self.notes.append(("cancelled", job_id))

    def remove(self, job_ids: list[str]) -> int:
        self.notes.append(("removed", list(job_ids)))
        return 3


def test_an_interrupted_trial_is_cancelled_and_removed(
    account: StubbedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[object] = []

    def interrupted(_deployment: object, _kinds: object, _limit: float, created: object) -> Iterator[Trial]:
        created(JOB)  # type: ignore[operator]
        yield Trial("socket", outcome="completed")
        raise KeyboardInterrupt

    deployment = Deployment("https://api.example", "", "b", "j", "l", "e", {}, account.client)
    monkeypatch.setattr(trial_module, "local_deployment", lambda _port: deployment)
    monkeypatch.setattr(trial_module, "_run", interrupted)
    monkeypatch.setattr(trial_module, "Client", lambda *_arguments: Abandoned(notes))
    monkeypatch.setattr(trial_module, "TrialCleanup", lambda *_arguments: Abandoned(notes))
    result = run("try", "--local")
    assert result.exit_code == 130
    assert notes == [("cancelled", JOB), ("removed", [JOB])]
    assert "removed 1 jobs and 3 objects" in result.stderr


def test_without_an_endpoint_previews_are_tried_and_the_other_kinds_left_out(
    account: StubbedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Kind, Engine | None]] = []

    class Job:
        def __init__(self, _deployment: object, kind: Kind, _created: object, *, engine: Engine | None) -> None:
            asked.append((kind, engine))
            self.kind = kind

        def run(self, _limit_seconds: float) -> Trial:
            return Trial(self.kind, outcome="completed")

    deployment = Deployment("https://api.example", "", "b", "j", "l", "e", {}, account.client)
    monkeypatch.setattr(trial_module, "local_deployment", lambda _port: deployment)
    monkeypatch.setattr(trial_module, "ping_socket", lambda _: Trial("socket", outcome="completed"))
    monkeypatch.setattr(trial_module, "invoke_endpoint", lambda *_: Trial("endpoint", outcome="left out"))
    monkeypatch.setattr(trial_module, "TrialJob", Job)
    monkeypatch.setattr(trial_module, "Client", lambda *_arguments: Abandoned([]))
    monkeypatch.setattr(trial_module, "TrialCleanup", lambda *_arguments: Abandoned([]))
    result = run("try", "--local", "--kind", "upscale", "--kind", "generate")
    assert result.exit_code == 0, result.output
    assert asked == [(Kind.UPSCALE, Engine.PREVIEW)]
    assert "it needs the endpoint" in result.stdout

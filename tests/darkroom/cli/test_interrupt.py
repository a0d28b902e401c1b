"""Ctrl-C, in a separate process."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from darkroom.cli import main
from darkroom.contract.jobs import State
from tests.darkroom.cli.interrupted_command import running, until
from tests.darkroom.fake_service import Service
from tests.darkroom.jobs import job
from tests.darkroom.responses import problem

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to one process, which Windows cannot")


def test_ctrl_c_cancels_the_job(service: Service, photo: Path) -> None:
    service.story = [job(2, "queued"), job(3, "running", progress=0.4, stage="depth", message="Measuring")]
    with running(service, "run", "restyle_room", photo, "--style", "boho") as process:
        until(process, "Measuring")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 1, err
    assert service.job.state is State.CANCELLED
    assert f"darkroom: cancelled: You interrupted job {'a' * 32}; it was cancelled." in err
    assert "Traceback" not in err
    assert out == ""


def test_a_second_ctrl_c_quits_at_once(service: Service, photo: Path) -> None:
    service.story = [job(3, "running", message="Measuring")]
    service.cancel_hangs = True
    with running(service, "run", "restyle_room", photo, "--style", "boho") as process:
        until(process, "Measuring")
        process.send_signal(signal.SIGINT)
        until(process, "Cancelling")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    service.cancel_hangs = False
    assert process.returncode == 130, err
    assert "Traceback" not in err


def test_ctrl_c_does_not_cancel_a_job_that_is_only_watched(service: Service) -> None:
    service.job = job(3, "running", message="Measuring")
    with running(service, "jobs", "watch", "a" * 32) as process:
        until(process, "Measuring")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130, err
    assert service.job.state is State.RUNNING
    assert "Traceback" not in err


class SlowService(Service):
    """Receives the first ``POST /jobs``, and answers it when it is ``released``; loses it if it ``loses`` requests."""

    def __init__(self, *, loses: bool = False) -> None:
        super().__init__()
        self.arrived, self.released, self.loses = threading.Event(), threading.Event(), loses
        self.keys_seen: list[str | None] = []

    async def create(self, request: Request) -> Response:
        return await self._slowly(request, super().create)

    async def rerun(self, request: Request) -> Response:
        return await self._slowly(request, super().rerun)

    async def _slowly(self, request: Request, handler: Callable[[Request], Awaitable[Response]]) -> Response:
        first = not self.keys_seen
        self.keys_seen.append(request.headers.get("idempotency-key"))
        if first and self.loses:
            return await self._wait()
        if self.loses:
            return problem(429, "budget_exceeded", "The day's budget is used up.", headers={"Retry-After": "3600"})
        response = await handler(request)
        return await self._wait() if first else response

    async def _wait(self) -> Response:
        self.arrived.set()
        while not self.released.is_set():
            await asyncio.sleep(0.01)
        return problem(503, "internal", "Too late.")


def interrupted(service: SlowService, *words: str | Path) -> tuple[int, str]:
    """Exit code and errors of a command that is interrupted while its ``POST /jobs`` is in flight."""
    with running(service, *words) as process:
        assert service.arrived.wait(60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        service.released.set()
    assert "Traceback" not in err
    return process.returncode, err


@pytest.mark.parametrize("words", [("run", "restyle_room", "PHOTO", "--style", "boho"), ("jobs", "rerun", "a" * 32)])
def test_ctrl_c_while_the_job_is_created_cancels_it_by_its_key(photo: Path, words: tuple[str, ...]) -> None:
    service = SlowService()
    with service.running():
        code, err = interrupted(service, *(photo if word == "PHOTO" else word for word in words))
    assert code == 1, err
    first, second = service.keys_seen
    assert first is not None
    assert first == second
    assert service.job.state is State.CANCELLED
    assert "darkroom: cancelled: You interrupted job " in err
    assert "; it was cancelled." in err


def test_ctrl_c_before_a_job_exists_says_so(photo: Path) -> None:
    service = SlowService(loses=True)
    with service.running():
        code, err = interrupted(service, "run", "restyle_room", photo, "--style", "boho")
    assert code == 1, err
    assert "darkroom: cancelled: You interrupted the command before a job was created." in err
    assert len(set(service.keys_seen)) == 1


def test_ctrl_c_exits_with_130_if_a_library_then_fails_to_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise TimeoutError("the connection did not close")

    monkeypatch.setattr("darkroom.cli.app", interrupted)
    with pytest.raises(SystemExit) as raised:
        main()
    assert raised.value.code == 130

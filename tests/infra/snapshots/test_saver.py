"""Snapshot saver: soon after a change, again after a failure, and never in the middle of a deployment."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.snapshots import saver as module
from infra.local.snapshots.files import SnapshotFiles, UnsavedChanges
from infra.local.snapshots.saver import SnapshotSaver

SECONDS = 30


class Service:
    """A service whose state is one number, in a folder of snapshots."""

    def __init__(self, folder: Path) -> None:
        self.number = 0
        self.deploying = False
        self.failure: Path = folder / "fail"  # a copy of this process sees a file, and no later value
        self.files = SnapshotFiles(folder)
        self.saver = SnapshotSaver(self.files, self.serialize, lambda: self.deploying)

    def serialize(self) -> Mapping[str, str]:
        if self.failure.exists():
            (self.failure.parent / "failed").touch()
            raise ValueError("broken")
        return {"service.json": json.dumps({"number": self.number})}

    def change(self) -> None:
        self.saver.changed()
        self.number += 1

    def saved(self) -> int:
        try:
            return int(json.loads((self.files.state / "service.json").read_text())["number"])
        except OSError:
            return 0

    def unsaved(self) -> bool:
        return UnsavedChanges.read(self.files.folder) is not None

    async def until_saved(self) -> None:
        await until(lambda: self.saved() == self.number and not self.unsaved())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture(params=["copy", "thread"])
async def service(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.02)
    monkeypatch.setattr(module, "_AFTER_FAILURE_SECONDS", 0.02)
    if request.param == "thread":
        monkeypatch.delattr(module.os, "fork")  # as on Windows
    return Service(tmp_path)


async def stop(service: Service, task: "asyncio.Task[None]") -> None:
    service.saver.stop()
    async with asyncio.timeout(SECONDS):
        await task


async def test_a_change_is_marked_at_once_and_saved_soon(service: Service) -> None:
    task = asyncio.create_task(service.saver.run())
    for _ in range(3):
        service.change()
        assert service.unsaved()
        await service.until_saved()
    await stop(service, task)


async def test_a_snapshot_that_failed_is_tried_again(service: Service, tmp_path: Path) -> None:
    service.failure.touch()
    before = datetime.now(UTC)
    task = asyncio.create_task(service.saver.run())
    service.change()
    first = UnsavedChanges.read(service.files.folder)
    assert first is not None
    assert first.since >= before
    await until((tmp_path / "failed").exists)
    assert service.saved() == 0
    assert UnsavedChanges.read(service.files.folder) == first
    service.failure.unlink()
    await service.until_saved()
    await stop(service, task)


async def test_nothing_is_saved_while_a_stack_is_deployed(service: Service) -> None:
    service.deploying = True
    task = asyncio.create_task(service.saver.run())
    service.change()
    await stop(service, task)
    service.saver.save_finally()
    assert service.saved() == 0
    assert service.unsaved()


async def test_the_end_of_the_emulator_saves_what_the_last_snapshot_lacks(service: Service) -> None:
    task = asyncio.create_task(service.saver.run())
    service.change()
    await stop(service, task)
    service.saver.save_finally()
    assert service.saved() == 1
    assert not service.unsaved()


async def test_an_idle_emulator_saves_nothing(service: Service) -> None:
    task = asyncio.create_task(service.saver.run())
    await asyncio.sleep(0)
    await stop(service, task)
    assert not service.files.state.exists()

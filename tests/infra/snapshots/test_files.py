"""Snapshot files: each save replaces all or nothing, and whatever is found on disk, the state can be repaired."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.snapshots import files as module
from infra.local.snapshots.files import LostWork, SnapshotFiles, UnsavedChanges, clock

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=5)


@pytest.fixture
def files(tmp_path: Path) -> SnapshotFiles:
    return SnapshotFiles(tmp_path)


def text(value: object) -> str:
    return json.dumps({"__ministack_format__": 2, "payload": value})


def save(files: SnapshotFiles, number: int, *, now: datetime = NOON) -> None:
    with files.locked():
        files.save({"lambda.json": text({"number": number}), "sqs.json": text({"number": number})}, now=now)


def numbers(files: SnapshotFiles) -> list[int]:
    """What the emulator would load."""
    names = ("lambda.json", "sqs.json")
    return [json.loads((files.state / name).read_text())["payload"]["number"] for name in names]


def test_the_newest_snapshot_is_the_state(files: SnapshotFiles) -> None:
    save(files, 1)
    save(files, 2)
    assert files.repair() == []
    assert numbers(files) == [2, 2]


@pytest.mark.parametrize("step", range(1, 8))
def test_a_save_that_is_killed_at_any_step_leaves_one_whole_snapshot(
    files: SnapshotFiles, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(files, 1)
    renames = 0

    class Killed(BaseException):
        pass

    def killed_before(original: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def rename(path: Path, target: Path) -> Path:
            nonlocal renames
            renames += 1
            if renames == step:
                raise Killed
            return original(path, target)

        return rename

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "replace", killed_before(Path.replace))
        patch.setattr(Path, "rename", killed_before(Path.rename))
        save(files, 2, now=LATER)
    assert SnapshotFiles(files.folder).repair() == []
    assert numbers(files) == ([1, 1] if step == 1 else [2, 2])
    save(files, 3)
    assert numbers(files) == [3, 3]


def test_a_full_disk_leaves_the_last_snapshot(files: SnapshotFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    save(files, 1)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            save(files, 2)
    assert numbers(files) == [1, 1]
    assert files.repair() == []
    save(files, 3)
    assert numbers(files) == [3, 3]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lambda.json", b""),
        ("lambda.json", b'{"payload": {'),
        ("sqs.json", b"[1]"),
        ("sqs.json", b"{}"),
        ("sqs.json", b"\xff\xfe\x00"),
        ("sqs.json", None),
        ("snapshot.json", b"{"),
    ],
)
def test_a_damaged_file_is_kept_and_the_earlier_snapshot_restored(
    files: SnapshotFiles, name: str, content: bytes | None
) -> None:
    save(files, 1)
    save(files, 2, now=LATER)
    path = files.state / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    (said,) = files.repair()
    assert f"state/{name} is damaged" in said
    assert clock(NOON) in said
    assert numbers(files) == [1, 1]
    lost = LostWork.read(files.folder)
    assert lost is not None
    assert lost.since == NOON
    if content is not None:
        assert (files.state / f"{name}.damaged").read_bytes() == content
    assert files.repair() == []


def test_without_an_earlier_snapshot_the_state_is_set_aside_and_nothing_deleted(files: SnapshotFiles) -> None:
    save(files, 1)
    picture = files.folder / "s3" / "000000000000" / "bucket" / "picture.jpg"
    picture.parent.mkdir(parents=True)
    picture.touch()
    (files.state / "lambda.json").write_text("{")
    (said,) = files.repair()
    assert "state/lambda.json is damaged" in said
    assert "start anew" in said
    aside = files.folder / "state.damaged"
    assert str(aside) in said
    assert (aside / "state" / "lambda.json.damaged").read_text() == "{"
    assert (aside / picture.relative_to(files.folder)).exists()
    assert not files.state.exists()
    assert not (files.folder / "s3").exists()
    assert LostWork.read(files.folder) is None
    save(files, 2)
    assert numbers(files) == [2, 2]


def test_states_of_earlier_versions_have_no_manifest_and_are_checked_as_well(files: SnapshotFiles) -> None:
    files.state.mkdir()
    (files.state / "dynamodb.json").write_text(text({}))
    assert files.repair() == []
    (files.state / "dynamodb.json").write_text(text({})[:-5])
    (said,) = files.repair()
    assert "state/dynamodb.json is damaged" in said


@pytest.mark.parametrize(("seconds", "lost"), [(-5, False), (5, True)])
def test_what_an_earlier_version_stored_after_its_last_state_is_lost(
    files: SnapshotFiles, seconds: int, lost: bool
) -> None:
    """It saved at a clean stop alone, and did not mark what it had not saved."""
    files.state.mkdir()
    state, picture = files.state / "s3.json", files.folder / "s3" / "000000000000" / "bucket" / "picture.jpg"
    picture.parent.mkdir(parents=True)
    picture.touch()
    state.write_text(text({"buckets_meta": {"data": {"000000000000\0'bucket'": {}}}}))
    os.utime(state, (NOON.timestamp(), NOON.timestamp()))
    os.utime(picture, (NOON.timestamp() + seconds, NOON.timestamp() + seconds))
    assert files.repair() == []
    found = LostWork.read(files.folder)
    assert (found.since if found is not None else None) == (NOON if lost else None)


def test_changes_after_the_last_snapshot_are_lost_since_the_first_of_them(files: SnapshotFiles) -> None:
    save(files, 1)
    UnsavedChanges(since=LATER).write(files.folder)
    assert files.repair() == []
    lost = LostWork.read(files.folder)
    assert lost is not None
    assert lost.since == LATER
    UnsavedChanges(since=LATER + timedelta(minutes=1)).write(files.folder)
    files.repair()
    assert LostWork.read(files.folder) == lost
    assert UnsavedChanges.read(files.folder) is None


def test_a_snapshot_that_was_finished_after_the_kill_counts(files: SnapshotFiles) -> None:
    UnsavedChanges(since=NOON).write(files.folder)
    save(files, 1, now=LATER)
    files.repair()
    lost = LostWork.read(files.folder)
    assert lost is not None
    assert lost.since == LATER


def test_buckets_that_the_state_does_not_know_are_removed(files: SnapshotFiles) -> None:
    known, unknown = (files.folder / "s3" / "000000000000" / name for name in ("known", "unknown"))
    for bucket in (known, unknown):
        bucket.mkdir(parents=True)
        (bucket / "object").touch()
    buckets = {"buckets_meta": {"__scoped__": True, "data": {"000000000000\0'known'": {}}}}
    with files.locked():
        files.save({"s3.json": text(buckets)}, now=NOON)
    assert files.repair() == []
    assert known.exists()
    assert not unknown.exists()


def test_buckets_are_kept_if_the_state_of_s3_has_another_form(files: SnapshotFiles) -> None:
    bucket = files.folder / "s3" / "000000000000" / "bucket"
    bucket.mkdir(parents=True)
    with files.locked():
        files.save({"s3.json": text({"buckets": []})}, now=NOON)
    assert files.repair() == []
    assert bucket.exists()


def test_an_emulator_killed_before_its_first_snapshot_is_deployed_anew(files: SnapshotFiles) -> None:
    bucket = files.folder / "s3" / "000000000000" / "cdk-assets"
    bucket.mkdir(parents=True)
    (said,) = files.repair()
    assert "before its first snapshot" in said
    assert not bucket.exists()
    assert files.repair() == []


def test_code_is_kept_as_long_as_a_snapshot_refers_to_it(files: SnapshotFiles) -> None:
    archives = files.state / "lambda-blobs"
    archives.mkdir(parents=True)
    digests = [letter * 64 for letter in "abc"]
    for digest in digests:
        (archives / f"{digest}.zip").touch()
        with files.locked():
            files.save({"lambda.json": text({"code_blob_ref": digest})}, now=NOON)
    files.repair()
    assert sorted(path.stem for path in archives.iterdir()) == digests[1:]

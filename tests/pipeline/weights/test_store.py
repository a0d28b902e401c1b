"""Weight store: records of fetched models, and verification of their files."""

import json
import os
import threading
from pathlib import Path

import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights import store as weights_module
from pipeline.weights.catalog import Model, catalog
from pipeline.weights.store import MANIFEST, WeightStore, default_folder, sha256_of

COMMIT = "c" * 40


def model(id_: str = "tiny", revision: str = COMMIT) -> Model:
    usual = catalog()["depth-anything-v2-small"].model_dump()
    return Model.model_validate(usual | {"id": id_, "revision": revision, "files": ("config.json", "a/weights.bin")})


def write(shelf: WeightStore, model: Model, content: bytes = b"weights") -> None:
    for path in model.files:
        file = shelf.folder / model.id / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(path.encode() + content)


@pytest.fixture
def shelf(tmp_path: Path) -> WeightStore:
    """With one model, recorded."""
    shelf = WeightStore(tmp_path / "weights")
    write(shelf, model())
    shelf.record(model(), COMMIT)
    return shelf


def refusal(shelf: WeightStore, wanted: Model) -> str:
    with pytest.raises(DarkroomError) as caught:
        shelf.open(wanted)
    assert caught.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    return caught.value.detail.message


def test_what_was_recorded_opens_in_every_later_process(shelf: WeightStore) -> None:
    weights = WeightStore(shelf.folder).open(model())
    assert (weights.model, weights.folder, weights.revision) == (model(), shelf.folder / "tiny", COMMIT)
    shelf.check(model())
    assert shelf.verify(model()) == []


def test_what_is_missing_altered_or_was_never_fetched_is_named_with_its_remedy(shelf: WeightStore) -> None:
    assert refusal(shelf, model("other")) == (
        "The model other was never fetched; `darkroom models fetch other` mends it."
    )
    file = shelf.folder / "tiny/a/weights.bin"
    file.write_bytes(b"a/weights.binWEIGHTS")
    assert refusal(shelf, model()) == (
        "The file tiny/a/weights.bin is not what was fetched; `darkroom models fetch tiny` mends it."
    )
    shelf.check(model())  # of the right size
    file.write_bytes(b"short")
    with pytest.raises(DarkroomError, match=r"weights\.bin is not what"):
        shelf.check(model())
    file.unlink()
    assert refusal(shelf, model()) == "The file tiny/a/weights.bin is missing; `darkroom models fetch tiny` mends it."
    with pytest.raises(DarkroomError, match=r"weights\.bin is missing"):
        shelf.check(model())


def test_verifying_tells_every_problem_and_is_not_fooled_by_times(shelf: WeightStore) -> None:
    shelf.open(model())
    config, weights = shelf.folder / "tiny/config.json", shelf.folder / "tiny/a/weights.bin"
    about = weights.stat()
    weights.write_bytes(weights.read_bytes().upper())
    os.utime(weights, ns=(about.st_atime_ns, about.st_mtime_ns))
    config.unlink()
    assert len(problems := shelf.verify(model())) == 2
    assert "config.json is missing" in problems[0]
    assert "a/weights.bin is not what was fetched" in problems[1]


def test_a_file_is_read_once_until_it_is_written_again(shelf: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in model().files:  # written by another process, as far as this one knows
        weights_module._hashed.pop(shelf.folder / "tiny" / path)
    read: list[str] = []
    digest = weights_module.hashlib.file_digest

    def counted(file: object, algorithm: str) -> object:
        read.append(file.name.name if isinstance(file.name, Path) else file.name.rpartition("/")[2])  # type: ignore[attr-defined]
        return digest(file, algorithm)  # type: ignore[arg-type]

    monkeypatch.setattr(weights_module.hashlib, "file_digest", counted)
    shelf.open(model())
    shelf.open(model())
    WeightStore(shelf.folder).open(model())
    assert read == ["config.json", "weights.bin"]
    os.utime(shelf.folder / "tiny/config.json", ns=(1, 1))
    shelf.open(model())
    assert read == ["config.json", "weights.bin", "config.json"]


def test_the_digest_is_that_of_the_files(shelf: WeightStore) -> None:
    before = shelf.digest(model())
    assert WeightStore(shelf.folder).digest(model()) == before
    write(shelf, model(), b"others")
    shelf.record(model(), COMMIT)
    assert shelf.digest(model()) != before
    with pytest.raises(DarkroomError, match="never fetched"):
        shelf.digest(model("other"))


def test_the_catalogues_pin_and_repository_are_held_to(shelf: WeightStore) -> None:
    assert "was fetched from" in refusal(shelf, model(revision="d" * 40))
    assert shelf.open(model(revision="main")).revision == COMMIT
    elsewhere = Model.model_validate(model().model_dump() | {"repository": "someone/else"})
    assert "someone/else" in refusal(shelf, elsewhere)
    grown = Model.model_validate(model().model_dump() | {"files": (*model().files, "new.json")})
    assert "tiny/new.json was never fetched" in refusal(shelf, grown)


def test_random_weights_serve_any_pin(shelf: WeightStore) -> None:
    shelf.record(model(), "random")
    assert shelf.open(model(revision="d" * 40)).revision == "random"


def test_recording_what_is_not_there_is_refused(shelf: WeightStore) -> None:
    (shelf.folder / "tiny/config.json").unlink()
    with pytest.raises(DarkroomError, match=r"config\.json is missing"):
        shelf.record(model(), COMMIT)


def test_a_folder_that_cannot_be_written_serves_as_well(shelf: WeightStore) -> None:
    folders = [shelf.folder, *(path for path in shelf.folder.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert WeightStore(shelf.folder).open(model()).revision == COMMIT
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_manifest_that_cannot_be_read_says_so(shelf: WeightStore) -> None:
    (shelf.folder / MANIFEST).write_text("{")
    assert MANIFEST in refusal(shelf, model())
    assert "writes it anew" in refusal(shelf, model())


def test_threads_share_a_shelf(tmp_path: Path) -> None:
    shelf = WeightStore(tmp_path)
    models = [model(f"tiny-{number}") for number in range(12)]
    for each in models:
        write(shelf, each)
    failures: list[Exception] = []

    def context(each: Model) -> None:
        try:
            shelf.record(each, COMMIT)
            shelf.open(each)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=context, args=(each,)) for each in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(json.loads((tmp_path / MANIFEST).read_text())["models"]) == {each.id for each in models}
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [MANIFEST]


def test_where_weights_lie_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DARKROOM_WEIGHTS", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.setenv("DARKROOM_WEIGHTS", "")
    monkeypatch.setattr(weights_module.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_folder() == tmp_path / "cache/darkroom/weights"
    monkeypatch.setattr(weights_module.sys, "platform", "darwin")
    assert default_folder().parts[-4:] == ("Library", "Caches", "darkroom", "weights")


def test_a_hash_is_the_files(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256_of(tmp_path / "empty").startswith("e3b0c442")

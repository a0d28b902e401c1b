"""Weight store: records of fetched models, and verification of their files."""

import json
import os
import threading
from pathlib import Path

import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights import hashing
from pipeline.weights import store as weights_module
from pipeline.weights.catalog import Model, catalog
from pipeline.weights.hashing import sha256_of
from pipeline.weights.store import MANIFEST, WeightStore, default_folder

COMMIT = "c" * 40


def model(id_: str = "tiny", revision: str = COMMIT) -> Model:
    usual = catalog()["depth-anything-v2-small"].model_dump()
    return Model.model_validate(usual | {"id": id_, "revision": revision, "files": ("config.json", "a/weights.bin")})


def write(weight_store: WeightStore, model: Model, content: bytes = b"weights") -> None:
    for path in model.files:
        file = weight_store.folder / model.id / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(path.encode() + content)


@pytest.fixture
def weight_store(tmp_path: Path) -> WeightStore:
    """Weight store with one recorded model."""
    weight_store = WeightStore(tmp_path / "weights")
    write(weight_store, model())
    weight_store.record(model(), COMMIT)
    return weight_store


def error_of(weight_store: WeightStore, model: Model) -> str:
    with pytest.raises(DarkroomError) as raised:
        weight_store.open(model)
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    return raised.value.detail.message


def test_recorded_weights_open_in_later_processes(weight_store: WeightStore) -> None:
    weights = WeightStore(weight_store.folder).open(model())
    assert (weights.model, weights.folder, weights.revision) == (model(), weight_store.folder / "tiny", COMMIT)
    weight_store.check(model())
    assert weight_store.verify(model()) == []


def test_missing_or_altered_files_are_named_with_a_remedy(weight_store: WeightStore) -> None:
    assert error_of(weight_store, model("other")) == (
        "The model other was never fetched; `darkroom models fetch other` mends it."
    )
    file = weight_store.folder / "tiny/a/weights.bin"
    file.write_bytes(b"short")
    with pytest.raises(DarkroomError, match=r"weights\.bin is not what"):
        weight_store.check(model())
    file.unlink()
    assert (
        error_of(weight_store, model())
        == "The file tiny/a/weights.bin is missing; `darkroom models fetch tiny` mends it."
    )
    with pytest.raises(DarkroomError, match=r"weights\.bin is missing"):
        weight_store.check(model())


def test_verify_lists_every_problem_despite_equal_times(weight_store: WeightStore) -> None:
    weight_store.open(model())
    config, weights = weight_store.folder / "tiny/config.json", weight_store.folder / "tiny/a/weights.bin"
    about = weights.stat()
    weights.write_bytes(weights.read_bytes().upper())
    os.utime(weights, ns=(about.st_atime_ns, about.st_mtime_ns))
    config.unlink()
    assert len(problems := weight_store.verify(model())) == 2
    assert "config.json is missing" in problems[0]
    assert "a/weights.bin is not what was fetched" in problems[1]


def test_an_altered_file_is_found_in_the_background(
    weight_store: WeightStore, caplog: pytest.LogCaptureFixture
) -> None:
    file = weight_store.folder / "tiny/a/weights.bin"
    file.write_bytes(file.read_bytes().upper())
    opened = weight_store.verify_in_background()
    weight_store.check(model())
    assert weight_store.open(model()).revision == COMMIT  # loading does not wait
    opened.join()
    expected = "The file tiny/a/weights.bin is not what was fetched; `darkroom models fetch tiny` mends it."
    assert error_of(weight_store, model()) == expected
    with pytest.raises(DarkroomError, match="not what was fetched"):
        weight_store.check(model())
    assert expected in caplog.text
    write(weight_store, model())
    weight_store.check(model())


def test_each_opened_model_is_verified_once_and_no_other(
    weight_store: WeightStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write(weight_store, model("other"))
    weight_store.record(model("other"), COMMIT)
    hashed: list[str] = []
    monkeypatch.setattr(weights_module, "hash_files", lambda files: hashed.extend(path.parts[-2] for path in files))
    opened = weight_store.verify_in_background()
    for _ in range(2):
        weight_store.open(model())
        opened.join()
    assert hashed == ["tiny", "a"]
    assert caplog.text == ""


def test_several_models_are_verified_at_once(weight_store: WeightStore) -> None:
    both = [model("other"), model()]
    write(weight_store, both[0])
    weight_store.record(both[0], COMMIT)
    assert weight_store.verify_all(both) == {"other": [], "tiny": []}
    (weight_store.folder / "other/config.json").unlink()
    problems = weight_store.verify_all([*both, model("never")])
    assert ["other/config.json is missing" in problem for problem in problems["other"]] == [True]
    assert problems["tiny"] == []
    assert ["was never fetched" in problem for problem in problems["never"]] == [True]


def test_a_file_is_hashed_once_until_it_changes(weight_store: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in model().files:  # written by another process, as far as this one knows
        hashing.forget(weight_store.folder / "tiny" / path)
    read: list[str] = []
    digest = hashing.hashlib.file_digest

    def counted(file: object, algorithm: str) -> object:
        read.append(file.name.name if isinstance(file.name, Path) else file.name.rpartition("/")[2])  # type: ignore[attr-defined]
        return digest(file, algorithm)  # type: ignore[arg-type]

    monkeypatch.setattr(hashing.hashlib, "file_digest", counted)
    program = Model.model_validate(model().model_dump() | {"program": catalog()["ditto"].program})
    weight_store.open(model())
    assert read == []
    # The files of a program run as code.
    weight_store.open(program)
    weight_store.open(program)
    WeightStore(weight_store.folder).open(program)
    assert read == ["config.json", "weights.bin"]
    os.utime(weight_store.folder / "tiny/config.json", ns=(1, 1))
    weight_store.open(program)
    assert read == ["config.json", "weights.bin", "config.json"]


def test_the_digest_depends_on_the_files(weight_store: WeightStore) -> None:
    before = weight_store.digest(model())
    assert WeightStore(weight_store.folder).digest(model()) == before
    write(weight_store, model(), b"others")
    weight_store.record(model(), COMMIT)
    assert weight_store.digest(model()) != before
    with pytest.raises(DarkroomError, match="never fetched"):
        weight_store.digest(model("other"))


def test_the_catalogues_revision_and_repository_are_enforced(weight_store: WeightStore) -> None:
    assert "was fetched from" in error_of(weight_store, model(revision="d" * 40))
    assert weight_store.open(model(revision="main")).revision == COMMIT
    elsewhere = Model.model_validate(model().model_dump() | {"repository": "someone/else"})
    assert "someone/else" in error_of(weight_store, elsewhere)
    grown = Model.model_validate(model().model_dump() | {"files": (*model().files, "new.json")})
    assert "tiny/new.json was never fetched" in error_of(weight_store, grown)


def test_random_weights_are_accepted_for_any_revision(weight_store: WeightStore) -> None:
    weight_store.record(model(), "random")
    assert weight_store.open(model(revision="d" * 40)).revision == "random"


def test_recording_a_missing_file_raises(weight_store: WeightStore) -> None:
    (weight_store.folder / "tiny/config.json").unlink()
    with pytest.raises(DarkroomError, match=r"config\.json is missing"):
        weight_store.record(model(), COMMIT)


def test_a_read_only_folder_is_usable(weight_store: WeightStore) -> None:
    folders = [weight_store.folder, *(path for path in weight_store.folder.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert WeightStore(weight_store.folder).open(model()).revision == COMMIT
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_an_unreadable_manifest_is_an_error(weight_store: WeightStore) -> None:
    (weight_store.folder / MANIFEST).write_text("{")
    assert MANIFEST in error_of(weight_store, model())
    assert "writes it anew" in error_of(weight_store, model())


def test_threads_share_a_weight_store(tmp_path: Path) -> None:
    weight_store = WeightStore(tmp_path)
    models = [model(f"tiny-{number}") for number in range(12)]
    for each in models:
        write(weight_store, each)
    failures: list[Exception] = []

    def context(each: Model) -> None:
        try:
            weight_store.record(each, COMMIT)
            weight_store.open(each)
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


def test_the_default_folder_follows_environment_and_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DARKROOM_WEIGHTS", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.setenv("DARKROOM_WEIGHTS", "")
    monkeypatch.setattr(weights_module.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_folder() == tmp_path / "cache/darkroom/weights"
    monkeypatch.setattr(weights_module.sys, "platform", "darwin")
    assert default_folder().parts[-4:] == ("Library", "Caches", "darkroom", "weights")


def test_sha256_of_is_the_files_hash(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256_of(tmp_path / "empty").startswith("e3b0c442")

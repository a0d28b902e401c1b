"""Fetching models, from a hub in this process."""

import errno
import hashlib
import shutil
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

from darkroom.contract.errors import DarkroomError, ErrorCode
from pipeline.weights import fetch as fetch_module
from pipeline.weights.catalog import Model
from pipeline.weights.fetch import fetch_model
from pipeline.weights.store import WeightStore
from tests.pipeline.weights.hub import COMMIT, Hub
from tests.pipeline.weights.tiny_model import CONFIG, WEIGHTS, model


def message(model: Model, weight_store: WeightStore) -> str:
    """Return the one-line message of a failed fetch."""
    with pytest.raises(DarkroomError) as raised:
        fetch_model(model, weight_store)
    assert raised.value.detail.code is ErrorCode.ENGINE_UNAVAILABLE
    assert "\n" not in raised.value.detail.message
    return raised.value.detail.message


def test_listed_files_are_fetched_recorded_and_opened(hub: Hub, weight_store: WeightStore) -> None:
    seen: list[tuple[int, int]] = []
    got = fetch_model(model(), weight_store, lambda done, total: seen.append((done, total)))
    assert (got.revision, got.downloaded) == (COMMIT, len(WEIGHTS) + len(CONFIG))
    weights = weight_store.open(model())
    assert weights.revision == COMMIT
    assert (weights.folder / "unet/model.safetensors").read_bytes() == WEIGHTS
    there = {
        path.relative_to(weight_store.folder).as_posix() for path in weight_store.folder.rglob("*") if path.is_file()
    }
    assert there == {"manifest.json", "tiny/config.json", "tiny/unet/model.safetensors"}
    recorded = weight_store.record_of(model())
    assert recorded is not None
    assert recorded.files["unet/model.safetensors"].sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert seen[-1] == (got.downloaded, got.downloaded)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_intact_files_need_no_network(hub: Hub, weight_store: WeightStore) -> None:
    fetch_model(model(), weight_store)
    hub.status = 500
    calls = hub.calls
    seen: list[tuple[int, int]] = []
    assert fetch_model(model(), weight_store, lambda done, total: seen.append((done, total))).downloaded == 0
    assert hub.calls == calls
    assert seen[-1][0] == seen[-1][1] > 0


@pytest.mark.parametrize("harm", ["missing", "altered"])
def test_fetching_again_replaces_only_missing_or_altered_files(hub: Hub, weight_store: WeightStore, harm: str) -> None:
    fetch_model(model(), weight_store)
    hub.downloads.clear()
    file = weight_store.folder / "tiny/unet/model.safetensors"
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(bytes(reversed(WEIGHTS)))
    assert fetch_model(model(), weight_store).downloaded == len(WEIGHTS)
    assert hub.downloads == [("unet/model.safetensors", 0)]
    assert weight_store.verify(model()) == []


def test_an_interrupted_download_resumes(hub: Hub, weight_store: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "ATTEMPTS", 1)
    hub.cuts = [len(CONFIG), 1000]
    assert "goes on where it was" in message(model(), weight_store)
    assert weight_store.record_of(model()) is None
    assert "never fetched" in str(weight_store.verify(model()))
    fetch_model(model(), weight_store)
    assert hub.downloads[-1] == ("unet/model.safetensors", 1000)
    assert weight_store.verify(model()) == []


def test_a_failed_transfer_is_retried(hub: Hub, weight_store: WeightStore) -> None:
    hub.cuts = [len(CONFIG), 1000, 500]
    fetch_model(model(), weight_store)
    assert [first for path, first in hub.downloads if path != "config.json"] == [0, 1000, 1500]


def test_a_hub_without_range_requests_sends_the_whole_file(hub: Hub, weight_store: WeightStore) -> None:
    hub.ranges = False
    hub.cuts = [len(CONFIG), 1000]
    fetch_model(model(), weight_store)
    assert weight_store.verify(model()) == []


@pytest.mark.parametrize("path", ["config.json", "unet/model.safetensors"])
def test_a_file_with_another_hash_than_the_hubs_is_rejected(hub: Hub, weight_store: WeightStore, path: str) -> None:
    hub.corrupt = {path}
    text = message(model(), weight_store)
    assert f"tiny/{path} is not the file it should be" in text
    assert not (weight_store.folder / "tiny" / path).exists()
    assert weight_store.record_of(model()) is None
    hub.corrupt = set()
    fetch_model(model(), weight_store)


@pytest.mark.parametrize("path", ["config.json", "unet/model.safetensors"])
def test_a_changed_file_at_the_same_commit_is_rejected(hub: Hub, weight_store: WeightStore, path: str) -> None:
    fetch_model(model(), weight_store)
    hub.files["someone/tiny"][path] = bytes(reversed(hub.files["someone/tiny"][path]))
    (weight_store.folder / "tiny" / path).unlink()
    text = message(model(), weight_store)
    assert f"tiny/{path}" in text
    assert "recorded when it was first fetched" in text


def test_a_branch_is_resolved_once_and_pinned_to_its_commit(hub: Hub, weight_store: WeightStore) -> None:
    branch = model("main")
    assert fetch_model(branch, weight_store).revision == COMMIT
    hub.commit = "d" * 40
    (weight_store.folder / "tiny/config.json").unlink()
    assert fetch_model(branch, weight_store).revision == COMMIT
    assert weight_store.open(branch).revision == COMMIT


def test_a_newer_commit_in_the_catalogue_is_fetched(hub: Hub, weight_store: WeightStore) -> None:
    fetch_model(model(), weight_store)
    newer = model("e" * 40)
    assert "is wanted" in weight_store.verify(newer)[0]
    hub.files["someone/tiny"]["config.json"] = b'{"layers": 3}'
    hub.downloads.clear()
    assert fetch_model(newer, weight_store).revision == "e" * 40
    assert [path for path, _ in hub.downloads] == ["config.json"]
    assert weight_store.open(newer).revision == "e" * 40


def test_random_weights_are_replaced_by_the_real_ones(hub: Hub, weight_store: WeightStore) -> None:
    for path in model().files:
        file = weight_store.folder / "tiny" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"random")
    weight_store.record(model(), "random")
    assert fetch_model(model(), weight_store).revision == COMMIT
    assert (weight_store.folder / "tiny/config.json").read_bytes() == CONFIG


def test_files_missing_on_the_hub_are_named(hub: Hub, weight_store: WeightStore) -> None:
    assert "someone/tiny has no file absent.json" in message(model(files=("absent.json",)), weight_store)
    assert "there is no someone/else on the hub" in message(model("main", repository="someone/else"), weight_store)


def test_hub_errors_are_one_line_with_the_resume_command(
    hub: Hub, weight_store: WeightStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.status = 418
    assert "the hub refused" in message(model(), weight_store)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    text = message(model(), weight_store)
    assert "the hub cannot be reached" in text
    assert "`darkroom models fetch tiny`" in text


def test_a_full_disk_is_reported_before_or_during_the_download(
    hub: Hub, weight_store: WeightStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=100))
        assert "is full; make room" in message(model(), weight_store)
        assert hub.downloads == []

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetch_module, "_stream", full)
    assert "is full; make room" in message(model(), weight_store)


def test_without_the_library_the_error_names_the_extra(
    weight_store: WeightStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert "pip install 'darkroom-sdk[models]'" in message(model(), weight_store)


@pytest.mark.parametrize(
    ("variable", "value"), [("ALL_PROXY", "socks://ann:hunter2@10.0.0.1"), ("HTTPS_PROXY", "http://a:b:c")]
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_value(
    hub: Hub, weight_store: WeightStore, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    close_session = import_module("huggingface_hub").close_session
    close_session()
    monkeypatch.setenv(variable, value)
    text = message(model(), weight_store)
    assert f"{variable}" in text
    assert value not in text
    assert "hunter2" not in text


DIGESTS = tuple(hashlib.sha256(content).hexdigest() for content in (CONFIG, WEIGHTS))


def test_a_file_with_the_catalogues_digest_is_accepted_from_a_branch(hub: Hub, weight_store: WeightStore) -> None:
    assert fetch_model(model("main", sha256=DIGESTS), weight_store).revision == COMMIT
    assert weight_store.open(model("main", sha256=DIGESTS)).revision == COMMIT


@pytest.mark.parametrize(("wrong", "path"), [(0, "config.json"), (1, "unet/model.safetensors")])
def test_a_file_with_another_digest_than_the_catalogues_is_refused(
    hub: Hub, weight_store: WeightStore, wrong: int, path: str
) -> None:
    fetch_model(model(), weight_store)
    strict = model(sha256=tuple("0" * 64 if index == wrong else digest for index, digest in enumerate(DIGESTS)))
    with pytest.raises(DarkroomError, match=f"{path} has not the SHA-256 that public texts have"):
        weight_store.open(strict)
    assert "not the one that public texts have" in message(strict, weight_store)
    fresh = WeightStore(weight_store.folder / "fresh")
    assert "not the one that public texts have" in message(strict, fresh)
    assert fresh.record_of(strict) is None


def test_the_catalogue_has_a_digest_of_every_file_or_of_none() -> None:
    with pytest.raises(ValueError, match="1 SHA-256 for 2 files"):
        model(sha256=DIGESTS[:1])

"""Asset library, from client and command."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from darkroom import Client, ProblemError, UnreachableError, UploadError
from darkroom.cli import app
from darkroom.client.async_assets import AsyncAssets
from tests.darkroom.fake_service import TOKEN, Service
from tests.darkroom.responses import s3_error


@pytest.fixture
def signed_in(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("DARKROOM_ENDPOINT", service.url)
    monkeypatch.setenv("DARKROOM_TOKEN", TOKEN)
    return service


def assets(*words: object) -> Result:
    return CliRunner().invoke(app, ["assets", *map(str, words)])


def test_a_picture_is_added_and_ready_when_add_returns(client: Client, service: Service, photo: Path) -> None:
    steps: list[tuple[int, int]] = []
    asset = client.assets.add(photo, progress=lambda *step: steps.append(step))
    assert (asset.state, asset.name, asset.width) == ("ready", "room.jpg", 64)
    assert asset.reference.asset_id == asset.asset_id
    (upload,) = service.uploads
    assert upload["file"] == photo.read_bytes()
    assert steps[-1] == (photo.stat().st_size,) * 2


def test_a_rejected_asset_has_an_error_code_and_is_removed(client: Client, service: Service, photo: Path) -> None:
    service.library.refusal = {"code": "unsupported_media", "message": "This is a GIF."}
    with pytest.raises(UploadError, match="This is a GIF") as caught:
        client.assets.add(photo, name="mine")
    assert caught.value.code == "unsupported_media"
    assert list(client.assets.list()) == []


def test_a_rejection_is_raised_even_if_the_asset_cannot_be_removed(
    client: Client, service: Service, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(_assets: AsyncAssets, _asset_id: str) -> None:
        raise UnreachableError("It does not answer.")

    monkeypatch.setattr(AsyncAssets, "remove", unreachable)
    service.storage_answers = [s3_error(400, "EntityTooLarge")]
    with pytest.raises(UploadError, match="too_large"):
        client.assets.add(photo)


def test_a_jobs_picture_is_kept_as_an_asset_and_listed(client: Client) -> None:
    kept = client.assets.keep("a" * 32, picture="result-2", name="second")
    assert client.assets.get(kept.asset_id) == kept
    assert kept.source is not None
    assert (kept.source.job_id, kept.source.picture) == ("a" * 32, "result-2")
    for _ in range(4):
        client.assets.keep("a" * 32, role="photo")
    assert len(list(client.assets.list(page=2))) == 5
    client.assets.remove(kept.asset_id)
    with pytest.raises(ProblemError, match="not_found"):
        client.assets.get(kept.asset_id)


def test_the_command_adds_lists_shows_and_removes(signed_in: Service, photo: Path) -> None:
    added = assets("add", photo, "--name", "My room")
    assert added.exit_code == 0, added.output
    asset_id = added.stdout.strip()
    assert asset_id == f"{1:032x}"
    listed = assets("list").stdout.splitlines()
    assert listed[0].split()[:3] == ["asset", "name", "state"]
    assert "My room" in listed[1]
    assert "64×48 jpeg" in listed[1]
    shown = assets("show", asset_id).stdout
    assert "https://storage.test/asset" in shown
    assert json.loads(assets("show", asset_id, "--json").stdout)["name"] == "My room"
    kept = assets("keep", "a" * 32, "--role", "photo").stdout.strip()
    assert f"photo of job {'a' * 32}" in assets("show", kept).stdout
    assert [each["asset_id"] for each in json.loads(assets("list", "--json").stdout)] == [asset_id, kept]
    assert assets("remove", asset_id, kept).stdout == f"{asset_id} removed\n{kept} removed\n"
    assert json.loads(assets("list", "--json").stdout) == []


def test_what_cannot_be_meant_is_wrong_usage(photo: Path) -> None:
    assert assets("add", photo, photo, "--name", "both").exit_code == 2
    assert assets("add", "nothing.jpg").exit_code == 2
    assert assets("keep", "a" * 32, "--role", "photo", "--picture", "result").exit_code == 2


def test_a_job_takes_an_asset_by_its_id(signed_in: Service, photo: Path) -> None:
    words = ["run", "inpaint", f"asset:{'b' * 32}", "--mask", str(photo)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert result.stdout == "bbbbbbbb_inpaint.jpg\n"
    wrong = CliRunner().invoke(app, ["run", "upscale", "asset:17"])
    assert wrong.exit_code == 2
    assert "darkroom assets list" in wrong.stderr

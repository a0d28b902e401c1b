"""Asset library: uploads and results that outlive their jobs, and jobs that use them."""

import hashlib
import io

import httpx2
from PIL import Image

from tests.e2e import pictures
from tests.e2e.caller import Caller, JobDict, declaration, picture, upload


def asset(caller: Caller, data: bytes) -> JobDict:
    """Upload a file as an asset and wait until it was looked at."""
    created = caller.http.post("/assets", json={"name": "room", "upload": declaration(data, False)})
    assert created.status_code == httpx2.codes.CREATED, created.text
    assert upload(created.json()["upload"], data).is_success
    return wait_until_inspected(caller, created.json()["asset"]["asset_id"])


def wait_until_inspected(caller: Caller, asset_id: str) -> JobDict:
    while (found := caller.http.get(f"/assets/{asset_id}").json())["state"] == "awaiting_upload":
        pass
    known: JobDict = found
    return known


def test_an_asset_replaces_an_upload(caller: Caller) -> None:
    data = pictures.jpeg(150, 110)
    kept = asset(caller, data)
    assert (kept["state"], kept["width"], kept["height"]) == ("ready", 150, 110)
    assert kept["sha256"] == hashlib.sha256(data).hexdigest()
    assert httpx2.get(kept["url"]).content == data

    job = caller.run("upscale", {"scale": 2}, {"photo": {"asset_id": kept["asset_id"]}})
    assert picture(job).size == (300, 220)
    assert job["uploads"]["photo"]["asset_id"] == kept["asset_id"]


def test_links_to_assets_and_uploads_give_the_photo_without_its_position(caller: Caller) -> None:
    data = pictures.exif_rotated()
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(pictures.GPS_IFD)
    kept = asset(caller, data)
    assert kept["sha256"] == hashlib.sha256(data).hexdigest()
    from_asset = caller.run("upscale", {}, {"photo": {"asset_id": kept["asset_id"]}})
    uploaded = caller.run("upscale", {}, {"photo": data})
    for url in (kept["url"], *(job["uploads"]["photo"]["url"] for job in (from_asset, uploaded))):
        given, sent = Image.open(io.BytesIO(httpx2.get(url).content)), Image.open(io.BytesIO(data))
        assert dict(given.getexif()) == {pictures.ORIENTATION: 6}
        assert given.tobytes() == sent.tobytes()


def test_a_result_is_kept_as_an_asset_and_used_again(caller: Caller) -> None:
    job = caller.run("upscale", {"scale": 2}, {"photo": pictures.jpeg(120, 90)})
    kept = caller.http.post("/assets", json={"job_id": job["job_id"], "picture": "result"})
    assert kept.status_code == httpx2.codes.CREATED, kept.text
    asset_id = kept.json()["asset"]["asset_id"]
    again = caller.run("upscale", {"scale": 1.5}, {"photo": {"asset_id": asset_id}})
    assert picture(again).size == (360, 270)


def test_other_owners_cannot_read_delete_or_use_an_asset(caller: Caller, other: Caller) -> None:
    asset_id = asset(caller, pictures.jpeg(90, 80))["asset_id"]
    refused = [
        other.http.get(f"/assets/{asset_id}"),
        other.http.delete(f"/assets/{asset_id}"),
        other.submit("upscale", {}, {"photo": {"asset_id": asset_id}}),
    ]
    assert [answer.status_code for answer in refused[::2]] == [httpx2.codes.NOT_FOUND] * 2
    assert caller.http.get(f"/assets/{asset_id}").json()["state"] == "ready", refused[1].text
    assert asset_id not in {each["asset_id"] for each in other.http.get("/assets").json()["assets"]}


def test_an_asset_that_is_no_picture_fails_with_a_reason(caller: Caller) -> None:
    failed = asset(caller, b"this is no picture at all")
    assert (failed["state"], failed["error"]["code"]) == ("failed", "unsupported_media")


def test_assets_are_listed_in_pages_and_removed(other: Caller) -> None:
    made = [asset(other, pictures.jpeg(64 + number, 64))["asset_id"] for number in range(3)]
    first = other.http.get("/assets", params={"limit": 2}).json()
    rest = other.http.get("/assets", params={"limit": 2, "cursor": first["cursor"]}).json()
    listed = [each["asset_id"] for each in first["assets"] + rest["assets"]]
    assert listed[:3] == made[::-1]
    assert other.http.delete(f"/assets/{made[0]}").is_success
    assert other.http.get(f"/assets/{made[0]}").status_code == httpx2.codes.NOT_FOUND

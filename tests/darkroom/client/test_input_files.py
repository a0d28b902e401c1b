"""Sources with content: paths, bytes, open files and pictures of Pillow."""

import hashlib
import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from darkroom import Client, UploadError
from darkroom.client import input_files
from darkroom.client.input_files import LONGEST_READ, FileSource, input_file
from darkroom.client.request_builder import build_request
from darkroom.contract.jobs import State
from darkroom.contract.uploads import AudioUpload, Upload
from tests.darkroom.fake_service import Service
from tests.darkroom.responses import s3_error

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20)


def positioned(path: Path) -> io.BufferedReader:
    """An open file that has been read in part: the picture follows."""
    before = path.with_name("before.bin")
    before.write_bytes(b"something before" + path.read_bytes())
    file = before.open("rb")
    file.read(len(b"something before"))
    return file


class Slow:
    """A file that has no name and cannot seek, and gives few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.left = io.BytesIO(data)
        self.ends = 0

    def read(self, size: int = -1, /) -> bytes:
        chunk = self.left.read(min(size, 100))
        self.ends += not chunk
        return chunk


SOURCES: dict[str, Callable[[Path], Any]] = {
    "str": str,
    "path": Path,
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
    "raw file": lambda path: path.open("rb", buffering=0),
    "file at a position": positioned,
    "stream": lambda path: Slow(path.read_bytes()),
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_each_source_is_declared_and_uploaded_with_the_same_content(
    client: Client, service: Service, photo: Path, make: Callable[[Path], Any]
) -> None:
    source = make(photo)
    with source if isinstance(source, io.IOBase) else nullcontext():  # the caller closes its own file
        assert client.run("restyle_room", {"photo": source}, style="modern").state is State.COMPLETED
    data = photo.read_bytes()
    (body,) = (body for method, path, _, body in service.requests if (method, path) == ("POST", "/jobs"))
    digest = hashlib.sha256(data).hexdigest()
    assert body["uploads"]["photo"] == {"content_type": "image/jpeg", "size": len(data), "sha256": digest}
    assert [upload["file"] for upload in service.uploads] == [data]


def test_the_content_type_is_that_of_the_bytes(photo: Path) -> None:
    wrong = photo.rename(photo.with_suffix(".png"))
    with wrong.open("rb") as file:
        for source in (wrong, file, wrong.read_bytes()):
            request, _ = build_request("restyle_room", source, {"style": "modern"})
            declared = request.sources["photo"]
            assert isinstance(declared, Upload)
            assert declared.content_type == "image/jpeg"


def test_a_heic_is_declared_as_one_whatever_its_name() -> None:
    heic = b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf" + bytes(40)
    request, _ = build_request("restyle_room", heic, {"style": "modern"})
    declared = request.sources["photo"]
    assert isinstance(declared, Upload)
    assert declared.content_type == "image/heic"


def test_sound_may_be_bytes(photo: Path) -> None:
    files = {"avatar": photo.read_bytes(), "voice_track": io.BytesIO(WAV)}
    request, contents = build_request("render_video", files, {"consent": True})
    declared = request.sources["voice_track"]
    assert isinstance(declared, AudioUpload)
    assert (declared.content_type, declared.size) == ("audio/wav", len(WAV))
    assert contents["voice_track"].open().read() == WAV
    with pytest.raises(ValueError, match="the content is no sound file"):
        build_request("render_video", {"avatar": photo, "voice_track": b"no sound"}, {})


def test_an_open_file_is_read_once_and_stays_open(photo: Path) -> None:
    with photo.open("rb") as file:
        _, contents = build_request("face_swap", {"source": file, "target": file}, {"consent": True})
        assert contents["source"].open().read() == contents["target"].open().read() == photo.read_bytes()
        assert (file.closed, file.read()) == (False, b"")
    stream = Slow(photo.read_bytes())
    assert input_file(stream).size == photo.stat().st_size
    assert stream.ends == 1


def test_a_retried_upload_sends_the_content_again(client: Client, service: Service, photo: Path) -> None:
    service.storage_answers = [s3_error(503, "SlowDown")]
    steps: list[tuple[int, int]] = []
    request, contents = build_request("restyle_room", Slow(photo.read_bytes()), {"style": "modern"})
    client.upload(client.create(request), contents, progress=lambda *step: steps.append(step))
    assert [upload["file"] for upload in service.uploads] == [photo.read_bytes()]
    assert steps[-1] == (photo.stat().st_size,) * 2


def test_an_endless_file_is_not_held_in_memory() -> None:
    class Endless:
        given = 0

        def read(self, size: int = -1, /) -> bytes:
            chunk = bytes(min(size, 8 * 1024 * 1024))
            self.given += len(chunk)
            return chunk

    file = Endless()
    assert input_file(file).size == file.given == LONGEST_READ


def test_an_empty_content_is_rejected_by_the_storage(client: Client, service: Service) -> None:
    service.storage_answers = [s3_error(400, "EntityTooSmall")]
    with pytest.raises(UploadError, match="empty_file"):
        client.run("restyle_room", b"", style="modern")


def test_an_asset_of_bytes_has_no_name_and_that_of_a_file_its_own(
    client: Client, service: Service, photo: Path
) -> None:
    assert client.assets.add(photo.read_bytes()).name is None
    assert client.assets.add(photo.read_bytes(), name="mine").name == "mine"
    with photo.open("rb") as file:
        assert client.assets.add(file).name == "room.jpg"


@pytest.mark.parametrize("source", [io.StringIO("text"), 7, object()])
def test_other_objects_are_no_sources(client: Client, service: Service, source: Any) -> None:
    with pytest.raises(TypeError, match=r"open it in binary mode|is no source"):
        client.run("restyle_room", {"photo": source}, style="modern")
    assert service.requests == []


def decoded(source: FileSource) -> Image.Image:
    picture = Image.open(input_file(source).open())
    picture.load()
    return picture


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_a_picture_of_pillow_is_encoded_without_loss(mode: str) -> None:
    picture = Image.effect_mandelbrot((64, 48), (-2, -1, 1, 1), 40).convert("RGB").convert(mode)
    found = decoded(picture)
    assert (found.format, found.mode) == ("PNG", mode)
    assert found.convert("RGBA").tobytes() == picture.convert("RGBA").tobytes()


@pytest.mark.parametrize(("mode", "becomes"), [("CMYK", "RGB"), ("YCbCr", "RGB"), ("F", "RGB"), ("RGBa", "RGBA")])
def test_pixel_formats_that_png_does_not_have_are_converted(mode: str, becomes: str) -> None:
    assert decoded(Image.new(mode, (64, 48))).mode == becomes


def test_a_picture_of_pillow_is_turned_by_its_orientation_and_keeps_its_profile(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(tmp_path / "turned.jpg", exif=exif, icc_profile=profile)
    with Image.open(tmp_path / "turned.jpg") as picture:
        found = decoded(picture)
    assert (found.size, found.getexif().get(0x0112)) == ((48, 64), None)
    assert found.info["icc_profile"] == profile


def test_an_opaque_picture_that_is_too_large_for_png_becomes_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_files, "MAX_UPLOAD_BYTES", 1000)
    noise = Image.effect_noise((64, 48), 90)
    assert decoded(noise.convert("RGB")).format == "JPEG"
    assert decoded(noise.convert("RGBA")).format == "PNG"


def test_a_picture_of_pillow_is_run(client: Client, service: Service) -> None:
    mask = Image.new("1", (64, 48))
    done = client.run("inpaint", {"photo": Image.new("RGB", (64, 48)), "mask": mask}, prompt="a plant")
    assert done.state is State.COMPLETED
    assert {upload["file"][:8] for upload in service.uploads} == {b"\x89PNG\r\n\x1a\n"}


def test_pillow_is_imported_by_callers_only(photo: Path) -> None:
    program = f"""
import sys
from darkroom import Client
from darkroom.client.request_builder import build_request
build_request("restyle_room", open({str(photo)!r}, "rb"), {{"style": "modern"}})
print("PIL" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"

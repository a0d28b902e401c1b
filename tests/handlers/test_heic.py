"""HEIC uploads: their size is read without decoding, and nothing personal stays in them."""

from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cloud.s3.metadata_removal import remove_metadata
from cloud.s3.picture_header import Header, IncompleteHeader, read_header
from darkroom.contract.digital_source import DigitalSource, xmp_packet
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.heif_file import MAX_BOXES
from pipeline.decoding.picture_decoder import decode_picture_here
from tests.heic import Heic, box

SECRET = b"SecretCam"
RGB = np.random.default_rng(3).integers(0, 256, (48, 96, 3)).astype(np.uint8)


def gps() -> bytes:
    found = Image.Exif()
    found[0x010F] = SECRET.decode()
    found[0x0112] = 6
    found[0x8825] = {1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    return found.tobytes()


PERSONAL = Heic(RGB, columns=2, rotation=1, exif=gps(), xmp=b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>")


@pytest.mark.parametrize(
    ("heic", "size"),
    [
        (Heic(RGB), (96, 48)),
        (Heic(RGB, columns=2), (96, 48)),
        (Heic(RGB, rotation=1), (48, 96)),
        (Heic(RGB, rotation=2), (96, 48)),
        (Heic(RGB, columns=2, rotation=3, exif=gps()), (48, 96)),
        (Heic(RGB, alpha=RGB[..., 0]), (96, 48)),
        (Heic(RGB, brand=b"mif1"), (96, 48)),
    ],
    ids=["plain", "tiles", "rotated", "upside down", "rotated tiles", "transparent", "of a general brand"],
)
def test_the_upright_size_is_read_and_decoding_gives_it(heic: Heic, size: tuple[int, int], tmp_path: Path) -> None:
    data = heic.encoded()
    assert read_header(data) == Header("image/heic", *size)
    (tmp_path / "photo.heic").write_bytes(data)
    decoded = decode_picture_here(tmp_path / "photo.heic")
    assert decoded.rgb.shape == (size[1], size[0], 3)
    assert (decoded.alpha is None) == (heic.alpha is None)
    # The rotation is applied once, though EXIF may state it as well.
    upright = np.rot90(RGB, heic.rotation).astype(int)
    assert np.abs(decoded.rgb - upright).mean() < 6


@pytest.mark.parametrize(
    ("stated_size", "code"),
    [((31, 48), ErrorCode.INVALID_IMAGE), ((20_000, 48), ErrorCode.TOO_LARGE), ((9000, 9000), ErrorCode.TOO_LARGE)],
)
def test_a_size_beyond_the_limits_is_refused_by_the_header(stated_size: tuple[int, int], code: ErrorCode) -> None:
    with pytest.raises(DarkroomError) as refused:
        read_header(Heic(RGB, stated_size=stated_size).encoded())
    assert refused.value.detail.code is code


def test_a_heif_picture_of_another_codec_is_named(tmp_path: Path) -> None:
    data = Heic(RGB).encoded().replace(b"hvc1", b"av01", 1)
    (tmp_path / "photo.heic").write_bytes(data)
    with pytest.raises(DarkroomError, match=r"coded as av01, not in HEVC\. Upload a JPEG, PNG, WebP or HEIC picture"):
        decode_picture_here(tmp_path / "photo.heic")
    with pytest.raises(DarkroomError, match=r"coded as av01, not in HEVC\. Upload a JPEG, PNG, WebP or HEIC picture"):
        read_header(data)


def test_a_heic_without_its_description_is_incomplete() -> None:
    data = Heic(RGB).encoded()
    end = data.index(b"mdat") - 4
    for length in range(60, end, 7):
        with pytest.raises(IncompleteHeader):
            read_header(data[:length])


def test_countless_boxes_are_refused() -> None:
    with pytest.raises(DarkroomError, match="header is broken"):
        read_header(Heic(RGB).encoded() + box(b"free") * (MAX_BOXES + 1))


def decoded(data: bytes, folder: Path) -> list[bytes]:
    (folder / "photo.heic").write_bytes(data)
    picture = decode_picture_here(folder / "photo.heic")
    return [picture.rgb.tobytes(), b"" if picture.alpha is None else picture.alpha.tobytes()]


FILM = box(b"moov", SECRET) + box(b"mpvd", b"ftypmp42" + SECRET)
HIDDEN = {
    "EXIF and XMP": PERSONAL,
    "EXIF of one picture": Heic(RGB, exif=gps()),
    "EXIF of a transparent picture": Heic(RGB, alpha=RGB[..., 0], exif=gps()),
    "a vendor's box": Heic(RGB, extra_boxes=box(b"uuid", bytes(16), SECRET)),
    "free space": Heic(RGB, extra_boxes=box(b"free", SECRET)),
    "what is no box": Heic(RGB, extra_boxes=SECRET),
    "a preview": Heic(RGB, preview=SECRET),
    "a description": Heic(RGB, description=SECRET),
    "a name": Heic(RGB, name=SECRET),
}


@pytest.mark.parametrize("where", HIDDEN)
def test_nothing_personal_stays_and_no_pixel_changes(where: str, tmp_path: Path) -> None:
    data = HIDDEN[where].encoded()
    assert SECRET in data
    cleaned = remove_metadata(data)
    assert SECRET not in cleaned
    assert b"MM\0*" not in cleaned
    assert decoded(cleaned, tmp_path) == decoded(data, tmp_path)
    assert read_header(cleaned) == read_header(data)
    # S3's event for the cleaned object finds nothing more to do.
    assert remove_metadata(cleaned) == cleaned


def test_a_film_behind_the_picture_goes(tmp_path: Path) -> None:
    cleaned = remove_metadata(Heic(RGB, brand=b"hevc", extra_boxes=FILM).encoded())
    assert SECRET not in cleaned
    # Decoders look for the film of a file whose brands promise one.
    assert decoded(cleaned, tmp_path) == decoded(Heic(RGB).encoded(), tmp_path)


def test_the_ai_mark_stays(tmp_path: Path) -> None:
    mark = xmp_packet(DigitalSource.TRAINED_ALGORITHMIC_MEDIA)
    data = Heic(RGB, exif=gps(), xmp=b"<!-- " + SECRET + b" -->" + mark).encoded()
    cleaned = remove_metadata(data)
    assert SECRET not in cleaned
    assert mark in cleaned
    assert remove_metadata(cleaned) == cleaned
    assert decoded(cleaned, tmp_path) == decoded(data, tmp_path)


def test_a_file_without_metadata_stays_as_it_is() -> None:
    for heic in (Heic(RGB), Heic(RGB, columns=2, rotation=3), Heic(RGB, alpha=RGB[..., 0])):
        assert remove_metadata(heic.encoded()) == heic.encoded()


@cache
def whole() -> bytes:
    return PERSONAL.encoded()


@given(at=st.integers(0, 700), garbage=st.binary(min_size=1, max_size=12), cut=st.integers(0, 3000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_cleaned_and_refused_without_a_crash(at: int, garbage: bytes, cut: int) -> None:
    data = whole()[:at] + garbage + whole()[at + len(garbage) : len(whole()) - cut]
    remove_metadata(data)
    with suppress(DarkroomError, IncompleteHeader):
        read_header(data)

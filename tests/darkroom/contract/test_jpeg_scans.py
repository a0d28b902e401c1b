"""Counting of a JPEG's scans, against files of libjpeg."""

import io

import pytest
from PIL import Image

from darkroom.contract.jpeg_scans import MAX_SCANS, count_scans, may_have_several_scans
from tests.pipeline.scan_bomb import scan_bomb


def jpeg(mode: str, **options: object) -> bytes:
    data = io.BytesIO()
    # Noise, so that the scans hold all kinds of bytes.
    Image.effect_noise((200, 150), 90).convert(mode).save(data, "JPEG", quality=90, **options)
    return data.getvalue()


# jpeg_simple_progression of libjpeg's jcparam.c: 10 scans for YCbCr, else 2 and 4 for each component.
@pytest.mark.parametrize(("mode", "scans"), [("RGB", 10), ("L", 6), ("CMYK", 18)])
def test_the_scans_of_progressive_files_are_counted(mode: str, scans: int) -> None:
    assert count_scans(jpeg(mode, progressive=True)) == scans
    assert may_have_several_scans(jpeg(mode, progressive=True))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 2}, {"comment": b"\xff\xda\xff\xda"}])
def test_a_baseline_file_has_one_scan(mode: str, options: dict[str, object]) -> None:
    data = jpeg(mode, exif=b"Exif\0\0" + b"\xff\xda\xff\xc2" * 9, **options)
    assert count_scans(data) == 1
    assert not may_have_several_scans(data[:4000])


def test_a_baseline_file_with_a_scan_per_colour_may_have_several() -> None:
    data = jpeg("RGB")
    start = data.index(b"\xff\xda")
    # T.81, B.2.3: the number of components in the scan follows its length.
    assert data[start + 4] == 3
    assert may_have_several_scans(data[: start + 4] + b"\x01" + data[start + 5 :])


def test_a_file_that_ends_before_its_scan_may_have_several() -> None:
    data = jpeg("RGB")
    assert may_have_several_scans(data[: data.index(b"\xff\xda")])
    assert may_have_several_scans(b"\xff\xd8\xff")


def test_repeated_scans_are_counted_up_to_one_beyond_the_limit() -> None:
    assert count_scans(scan_bomb(64, 20)) == 26
    assert count_scans(scan_bomb(64, MAX_SCANS - 6)) == MAX_SCANS
    assert count_scans(scan_bomb(64, 5000)) == MAX_SCANS + 1


def test_bytes_between_segments_and_fill_bytes_hide_no_scan() -> None:
    data = scan_bomb(64, 4)
    filled = data.replace(b"\xff\xda", b"garbage\xff\xff\xff\xda")
    assert filled != data
    assert count_scans(filled) == count_scans(data) == 10


@pytest.mark.parametrize("segment", [b"\xff\x01", b"\xff\xfe\x00\x02", b"\xff\xe1\x00\x00"])
def test_a_file_of_countless_empty_segments_counts_as_one_with_too_many_scans(segment: bytes) -> None:
    # Of 20 MB, the size that is allowed, they took all the time of the function that examines ten uploads.
    bomb = jpeg("L", progressive=True)[:-2] + segment * 20_000 + b"\xff\xd9"
    assert count_scans(bomb) == MAX_SCANS + 1


def test_hundreds_of_segments_of_metadata_are_no_scans() -> None:
    data = jpeg("L", progressive=True)
    assert (
        count_scans(
            data[:2] + b"\xff\xe2\xff\xff" + (bytes(65533) + b"\xff\xe2\xff\xff") * 300 + bytes(65533) + data[2:]
        )
        == 6
    )

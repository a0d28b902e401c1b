"""File signatures: every sample is named the same by the functions' check and by the container's decoders.

The studio's own check is tested with the same samples.
"""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from cloud.s3.picture_header import IncompleteHeader, read_header
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.file_signatures import (
    ACCEPTED_AUDIO,
    ACCEPTED_PICTURES,
    SIGNATURE_BYTES,
    audio_type_of,
    content_type_of,
    describe_file,
)
from darkroom.contract.uploads import AudioType, ContentType
from pipeline.decoding.picture_decoder import decode_picture_here

SAMPLES = json.loads((Path(__file__).parents[2] / "data" / "file_signatures.json").read_text())
each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=[sample["name"] for sample in SAMPLES])


@each_sample
def test_a_file_is_named_by_its_first_bytes(sample: dict[str, Any]) -> None:
    head = bytes.fromhex(sample["head"])
    detected = content_type_of(head[:SIGNATURE_BYTES]) or audio_type_of(head[:SIGNATURE_BYTES])
    # WebM and Matroska are sounds for those who take sounds, and films for those who want pictures.
    assert detected == sample.get("type")
    if detected is None:
        assert describe_file(head) == sample["described"]


@each_sample
def test_functions_and_container_refuse_the_same_files_in_the_same_words(
    sample: dict[str, Any], tmp_path: Path
) -> None:
    if sample.get("type") in get_args(ContentType):
        return
    head = bytes.fromhex(sample["head"])
    (tmp_path / "file").write_bytes(head)
    with pytest.raises(DarkroomError) as by_function:
        read_header(head)
    with pytest.raises(DarkroomError) as by_container:
        decode_picture_here(tmp_path / "file")
    assert by_function.value.detail == by_container.value.detail
    assert by_function.value.detail.code is ErrorCode.UNSUPPORTED_MEDIA


@each_sample
def test_no_accepted_picture_is_refused_for_its_type(sample: dict[str, Any]) -> None:
    if sample.get("type") not in get_args(ContentType):
        return
    try:
        read_header(bytes.fromhex(sample["head"]))
    except IncompleteHeader:
        pass
    except DarkroomError as error:
        assert error.detail.code is not ErrorCode.UNSUPPORTED_MEDIA


def test_every_accepted_type_has_a_sample() -> None:
    assert {sample["type"] for sample in SAMPLES if "type" in sample} == {*get_args(ContentType), *get_args(AudioType)}


def test_messages_name_as_many_formats_as_there_are() -> None:
    assert len(ACCEPTED_PICTURES.replace(" or ", ", ").split(", ")) == len(get_args(ContentType))
    assert len(ACCEPTED_AUDIO.replace(" or ", ", ").split(", ")) == len(get_args(AudioType))

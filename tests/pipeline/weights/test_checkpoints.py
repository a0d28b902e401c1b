"""Checkpoint files: any other file is rejected with a clear error."""

import io
import zipfile
from pathlib import Path

import pytest

from pipeline.weights.checkpoints import NotACheckpoint, tensor_shapes


def archive(name: str, content: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def scribbled(content: bytes) -> bytes:
    """Return the archive with the start of its first file, at byte 38, overwritten."""
    return content[:38] + b"\xff" * 8 + content[46:]


def encrypted(content: bytes) -> bytes:
    """Return the archive with its file marked as encrypted, in its header and in the central directory."""
    directory = content.index(b"PK\x01\x02")
    return content[:6] + b"\x01" + content[7 : directory + 8] + b"\x01" + content[directory + 9 :]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle at all",
        archive("readme.txt", b"the folder that it came in"),
        scribbled(archive("data.pkl", bytes(1000), zipfile.ZIP_DEFLATED)),
        encrypted(archive("data.pkl", bytes(1000))),
        archive("data.pkl", b"(" * 10),
        archive("data.pkl", b"]" + b"\x94" * 3),
    ],
    ids=["empty", "text", "another archive", "damaged", "encrypted", "cut off", "no end"],
)
def test_a_file_that_is_no_checkpoint_is_named_in_the_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "G.pt"
    file.write_bytes(content)
    with pytest.raises(NotACheckpoint, match=r"G\.pt is"):
        tensor_shapes(file)

"""File signatures: what a file is by its first bytes, whatever its name. One table for functions, container and client.

Signatures: ISO/IEC 10918-1 (JPEG), W3C PNG 5.2, RFC 9649 (WebP), ISO/IEC 23008-12 (HEIF), EBU Tech 3306 (RF64),
ISO/IEC 13818-7 (ADTS), RFC 4867 (AMR), Apple's AIFF and Core Audio Format specifications.
"""

from codecs import getincrementaldecoder

from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.uploads import AudioType, ContentType

# Bytes that tell every type: those of a HEIF file list their brands.
SIGNATURE_BYTES = 64

ACCEPTED_PICTURES = "JPEG, PNG, WebP or HEIC"
ACCEPTED_AUDIO = "WAV, MP3, M4A, AAC, Ogg, FLAC, WebM, AMR, AIFF or CAF"

# Brands of ISO media files (ftyp): HEVC pictures and their sequences, AV1 pictures, and those that name no codec.
_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEIF_BRANDS = frozenset((b"mif1", b"mif2", b"mif3", b"msf1", b"miaf", b"1pic"))

# Other files, by words for messages.
_OTHERS = (
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"%PDF-", "a PDF document"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"II+\0", "a TIFF picture"),
    (b"MM\0+", "a TIFF picture"),
    (b"\0\0\x01\0", "an icon"),
    (b"8BPS\0", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1aE\xdf\xa3", "a video"),
)
# Sizes of the header after a BMP's first 14 bytes, by version. "BM" alone begins texts about cars.
_BMP_HEADERS = frozenset((12, 16, 40, 52, 56, 64, 108, 124))
# Control characters that texts have. Other files have others.
_LINE_ENDS = dict.fromkeys(map(ord, "\t\n\f\r\ufeff"))


class NotAPicture(DarkroomError):
    """Raised for a file that is no accepted picture; ``detected`` is its probable type, in words."""

    def __init__(self, detected: str) -> None:
        super().__init__(ErrorCode.UNSUPPORTED_MEDIA, f"This is {detected}. Upload a {ACCEPTED_PICTURES} picture.")
        self.detected = detected


def foreign_codec_error(codec: str) -> NotAPicture:
    """Return the error for a HEIF picture in another codec than HEVC, named by the type of its items."""
    return NotAPicture(f"a HEIF picture that is coded as {codec}, not in HEVC")


def content_type_of(head: bytes) -> ContentType | None:
    """Detect the content type of a picture from its first ``SIGNATURE_BYTES``; None if it is not supported.

    >>> content_type_of(b"\\xff\\xd8\\xff\\xe0" + bytes(60)), content_type_of(b"GIF89a")
    ('image/jpeg', None)
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return "image/heic" if _still_of(head) == "a HEIC picture" else None


def audio_type_of(head: bytes) -> AudioType | None:
    """Detect the content type of an audio file from its first ``SIGNATURE_BYTES``; None if it is not supported.

    Containers that may also hold video (MP4, Ogg, WebM) are accepted. The decoder checks for an audio stream.

    >>> audio_type_of(b"fLaC" + bytes(60)), audio_type_of(b"#!AMR\\n")
    ('audio/flac', 'audio/amr')
    """
    match head[:4], head[8:12]:
        case (b"RIFF" | b"RF64" | b"BW64", b"WAVE"):
            return "audio/wav"
        case (b"FORM", b"AIFF" | b"AIFC"):
            return "audio/aiff"
        case (b"fLaC", _):
            return "audio/flac"
        case (b"OggS", _):
            return "audio/ogg"
        case (b"\x1aE\xdf\xa3", _):
            return "audio/webm"
    if head.startswith(b"caff\0\x01"):
        return "audio/x-caf"
    if head.startswith((b"#!AMR\n", b"#!AMR-WB\n")):
        return "audio/amr"
    if head[4:8] == b"ftyp" and _still_of(head) is None:
        return "audio/mp4"
    return _mpeg_audio(head)


def describe_file(head: bytes) -> str:
    """Return the probable type of a file that is no accepted picture, in words with its article.

    More than ``SIGNATURE_BYTES`` tell texts better.

    >>> describe_file(b"GIF89a"), describe_file(b"BMW 320, 2019, for sale")
    ('a GIF picture', 'a text file')
    """
    for signature, words in _OTHERS:
        if head.startswith(signature):
            return words
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "a BMP picture"
    if head[4:8] == b"ftyp":
        return _still_of(head) or "a video"
    if audio_type_of(head) is not None:
        return "a sound file"
    return _text(head[:4096]) or "not a picture of a kind we know"


def _still_of(head: bytes) -> str | None:
    """Return which still picture an ISO media file is, in words; None for other files."""
    if head[4:8] != b"ftyp":
        return None
    major, end = head[8:12], int.from_bytes(head[:4], "big")
    brands = {head[at : at + 4] for at in range(16, min(end, len(head)), 4)}
    if major in _AVIF_BRANDS or (major in _HEIF_BRANDS and brands & _AVIF_BRANDS):
        return "an AVIF picture"
    return "a HEIC picture" if major in _HEIC_BRANDS | _HEIF_BRANDS else None


def _mpeg_audio(head: bytes) -> AudioType | None:
    """Tell MPEG audio: an ID3 tag, or a frame's sync word, 11 bits. The layer follows: III of MP3, 00 of AAC (ADTS)."""
    if head.startswith(b"ID3"):
        # Version and sizes never have these values, texts do.
        return "audio/mpeg" if len(head) < 10 or (head[3] < 0x10 and max(head[6:10]) < 0x80) else None
    if len(head) < 2 or head[0] != 0xFF:
        return None
    if head[1] & 0xE6 == 0xE2:
        return "audio/mpeg"
    has_rate = len(head) < 3 or head[2] >> 2 & 0x0F < 13
    return "audio/aac" if head[1] & 0xF6 == 0xF0 and has_rate else None


def _text(start: bytes) -> str | None:
    lowered = start.lower()
    if b"<svg" in lowered:
        return "an SVG drawing"
    if b"<html" in lowered or b"<!doctype html" in lowered:
        return "an HTML page"
    try:
        # A character at the end may be cut in two.
        decoded = getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return None
    return "a text file" if decoded.translate(_LINE_ENDS).isprintable() else None

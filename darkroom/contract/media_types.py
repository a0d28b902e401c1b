"""Media types (RFC 9110, section 8.3.1): comparison without case and parameters, and the aliases of those we accept."""

# Name that browsers, phones and tools write → the contract's name of the same type.
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/apng": "image/png",
    "image/heif": "image/heic",
    "image/heic-sequence": "image/heic",
    "image/heif-sequence": "image/heic",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/x-pn-wav": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/mpeg3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/x-mpeg-3": "audio/mpeg",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/mp4a-latm": "audio/mp4",
    "video/mp4": "audio/mp4",
    "audio/3gpp": "audio/mp4",
    "video/3gpp": "audio/mp4",
    "video/quicktime": "audio/mp4",
    "audio/aacp": "audio/aac",
    "audio/x-aac": "audio/aac",
    "audio/x-hx-aac-adts": "audio/aac",
    "audio/vnd.dlna.adts": "audio/aac",
    "audio/amr-wb": "audio/amr",
    "audio/x-aiff": "audio/aiff",
    "audio/caf": "audio/x-caf",
    "audio/opus": "audio/ogg",
    "audio/x-ogg": "audio/ogg",
    "application/ogg": "audio/ogg",
    "video/ogg": "audio/ogg",
    "audio/x-flac": "audio/flac",
    "application/flac": "audio/flac",
    "video/webm": "audio/webm",
}


def essence(media_type: str) -> str:
    """Return type and subtype of a media type in lower case, without parameters.

    >>> essence(" Application/JSON; charset=UTF-8")
    'application/json'
    """
    return media_type.partition(";")[0].strip().lower()


def canonical(media_type: str) -> str:
    """Return a media type's essence by the name that the contract uses for it.

    Containers that can hold video too are named by their audio type, as uploads of sound may be such files.

    >>> canonical("audio/webm;codecs=opus"), canonical("image/JPG"), canonical("image/gif")
    ('audio/webm', 'image/jpeg', 'image/gif')
    """
    name = essence(media_type)
    return _ALIASES.get(name, name)

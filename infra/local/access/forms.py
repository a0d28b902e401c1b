"""Form parser: fields of a ``multipart/form-data`` body before its file (RFC 7578), as browsers post it to S3."""

from email.message import Message
from email.parser import HeaderParser

from infra.local.access.refusals import Refused

_MAX_FIELDS = 64
_MAX_HEADER_BYTES = 4096


def read_fields(content_type: str, body: bytes) -> dict[str, str]:
    """Return the fields before the file by lower-case name; S3 ignores later ones.

    Raises ``Refused`` for a malformed form, or one with a duplicate field.
    """
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str):
        raise _malformed("it has no boundary")
    delimiter = b"--" + boundary.encode()
    fields: dict[str, str] = {}
    start = body.find(delimiter)
    while start >= 0 and len(fields) < _MAX_FIELDS:
        start += len(delimiter)
        if body.startswith(b"--", start):
            return fields
        end = body.find(b"\r\n\r\n", start, start + _MAX_HEADER_BYTES)
        if end < 0:
            raise _malformed("a part has no header")
        name = _name(body[start:end])
        if name == "file":
            return fields
        if name in fields:
            raise _malformed(f"the field {name!r} is there twice")
        start = body.find(b"\r\n" + delimiter, end + 2)
        if start < 0:
            raise _malformed("its end is missing")
        fields[name] = body[end + 4 : start].decode(errors="replace")
        start += 2
    raise _malformed("it has no end, or too many fields")


def _name(header: bytes) -> str:
    part = HeaderParser().parsestr(header.decode(errors="replace").lstrip())
    name = part.get_param("name", header="content-disposition")
    if not isinstance(name, str):
        raise _malformed("a part has no name")
    return name.lower()


def _malformed(reason: str) -> Refused:
    return Refused(400, "MalformedPOSTRequest", f"The body is not a form: {reason}.")

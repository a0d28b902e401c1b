"""Form parser: file, and fields before it, of a ``multipart/form-data`` body (RFC 7578), as browsers post it to S3."""

from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser

from infra.local.access.refusals import Refused

_MAX_FIELDS = 64
_MAX_HEADER_BYTES = 4096
_FILE = "file"


@dataclass(frozen=True)
class Form:
    """Fields before the file by lower-case name, and the file, None without one. S3 ignores what comes later."""

    fields: dict[str, str]
    file: memoryview | None


def read_form(content_type: str, body: bytes) -> Form:
    """Return a form. Raises ``Refused`` if it is malformed, or has a duplicate field."""
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
            return Form(fields, None)
        end = body.find(b"\r\n\r\n", start, start + _MAX_HEADER_BYTES)
        if end < 0:
            raise _malformed("a part has no header")
        name = _name(body[start:end])
        if name in fields:
            raise _malformed(f"the field {name!r} is there twice")
        start = body.find(b"\r\n" + delimiter, end + 2)
        if start < 0:
            raise _malformed("its end is missing")
        if name == _FILE:
            return Form(fields, memoryview(body)[end + 4 : start])
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

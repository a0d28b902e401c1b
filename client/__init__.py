"""What an app developer uses: the Python client and the `darkroom` command.

>>> from client import Client
>>> with Client("https://api.example.com", token="…") as darkroom:  # doctest: +SKIP
...     job = darkroom.run("restyle_room", "room.jpg", style="scandinavian")
...     darkroom.download(job, "restyled.jpg")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from client.client import Client
    from client.errors import (
        ClientError,
        DownloadError,
        FieldProblem,
        JobError,
        LocalStackError,
        ProblemError,
        UnreachableError,
        UploadError,
    )
    from client.forms import Created, Health, PresignedPost, StyleCard
    from client.token import PasswordToken, StaticToken, TokenSource

__all__ = [
    "Client",
    "ClientError",
    "Created",
    "DownloadError",
    "FieldProblem",
    "Health",
    "JobError",
    "LocalStackError",
    "PasswordToken",
    "PresignedPost",
    "ProblemError",
    "StaticToken",
    "StyleCard",
    "TokenSource",
    "UnreachableError",
    "UploadError",
]

_HOMES = {
    "Client": "client.client",
    "Created": "client.forms",
    "Health": "client.forms",
    "PasswordToken": "client.token",
    "PresignedPost": "client.forms",
    "StaticToken": "client.token",
    "StyleCard": "client.forms",
    "TokenSource": "client.token",
}


def __getattr__(name: str) -> Any:
    # Lazy, because `darkroom --help` should not wait for httpx and pydantic.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "client.errors")), name)

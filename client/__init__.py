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
    from client.forms import Asset, Avatar, Created, EnhancedPrompt, Health, PresignedPost, StyleCard, Voice
    from client.reports import CacheStats, Limits, Services, Statistics
    from client.token import PasswordToken, StaticToken, TokenSource
    from pipeline.uploads import AssetReference, AvatarReference

__all__ = [
    "Asset",
    "AssetReference",
    "Avatar",
    "AvatarReference",
    "CacheStats",
    "Client",
    "ClientError",
    "Created",
    "DownloadError",
    "EnhancedPrompt",
    "FieldProblem",
    "Health",
    "JobError",
    "Limits",
    "LocalStackError",
    "PasswordToken",
    "PresignedPost",
    "ProblemError",
    "Services",
    "StaticToken",
    "Statistics",
    "StyleCard",
    "TokenSource",
    "UnreachableError",
    "UploadError",
    "Voice",
]

_HOMES = {
    "Asset": "client.forms",
    "AssetReference": "pipeline.uploads",
    "Avatar": "client.forms",
    "AvatarReference": "pipeline.uploads",
    "CacheStats": "client.reports",
    "Client": "client.client",
    "Created": "client.forms",
    "EnhancedPrompt": "client.forms",
    "Health": "client.forms",
    "Limits": "client.reports",
    "PasswordToken": "client.token",
    "PresignedPost": "client.forms",
    "Services": "client.reports",
    "StaticToken": "client.token",
    "Statistics": "client.reports",
    "StyleCard": "client.forms",
    "TokenSource": "client.token",
    "Voice": "client.forms",
}


def __getattr__(name: str) -> Any:
    # Lazy, because `darkroom --help` should not wait for httpx and pydantic.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "client.errors")), name)

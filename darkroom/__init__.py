"""Darkroom's public package: the job contract, the Python SDK and the `darkroom` command.

>>> from darkroom import Client
>>> with Client("https://api.example.com", token="…") as darkroom:  # doctest: +SKIP
...     job = darkroom.run("restyle_room", "room.jpg", style="scandinavian")
...     darkroom.download(job, "restyled.jpg")

``AsyncClient`` has the same methods for programs with an asyncio event loop. Exceptions are ``ClientError``, and
``ValueError``, ``TypeError`` or ``OSError`` for what the caller gives. The distribution is called ``darkroom-sdk``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from darkroom.client.async_client import AsyncClient
    from darkroom.client.client import Client
    from darkroom.client.errors import (
        ClientError,
        DownloadError,
        EnvironmentVariableError,
        FieldProblem,
        JobError,
        LocalStackError,
        ProblemError,
        UnreachableError,
        UploadError,
    )
    from darkroom.client.reports import CacheStats, Limits, Services, Statistics
    from darkroom.client.responses import (
        Asset,
        Avatar,
        Created,
        EnhancedPrompt,
        Health,
        PresignedPost,
        StyleCard,
        Voice,
    )
    from darkroom.client.tokens import AsyncTokenSource, PasswordToken, StaticToken, TokenSource
    from darkroom.contract.uploads import AssetReference, AvatarReference

    __version__: str

__all__ = [
    "Asset",
    "AssetReference",
    "AsyncClient",
    "AsyncTokenSource",
    "Avatar",
    "AvatarReference",
    "CacheStats",
    "Client",
    "ClientError",
    "Created",
    "DownloadError",
    "EnhancedPrompt",
    "EnvironmentVariableError",
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
    "Asset": "darkroom.client.responses",
    "AssetReference": "darkroom.contract.uploads",
    "AsyncClient": "darkroom.client.async_client",
    "AsyncTokenSource": "darkroom.client.tokens",
    "Avatar": "darkroom.client.responses",
    "AvatarReference": "darkroom.contract.uploads",
    "CacheStats": "darkroom.client.reports",
    "Client": "darkroom.client.client",
    "Created": "darkroom.client.responses",
    "EnhancedPrompt": "darkroom.client.responses",
    "Health": "darkroom.client.responses",
    "Limits": "darkroom.client.reports",
    "PasswordToken": "darkroom.client.tokens",
    "PresignedPost": "darkroom.client.responses",
    "Services": "darkroom.client.reports",
    "StaticToken": "darkroom.client.tokens",
    "Statistics": "darkroom.client.reports",
    "StyleCard": "darkroom.client.responses",
    "TokenSource": "darkroom.client.tokens",
    "Voice": "darkroom.client.responses",
}


def __getattr__(name: str) -> Any:
    # Lazy, because `darkroom --help` should not wait for httpx2 and pydantic, nor for the metadata of distributions.
    if name == "__version__":
        return import_module("darkroom.contract.version").installed_version()
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "darkroom.client.errors")), name)

"""From a kind, paths and params to the contract's request."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from client.picture import describe
from pipeline.requests import REQUESTS, BaseRequest, Kind, roles


def build(
    kind: Kind | str,
    files: Mapping[str, str | PathLike[str]] | str | PathLike[str],
    params: Mapping[str, Any],
    *,
    engine: str | None = None,
    allow_preview: bool = False,
) -> tuple[BaseRequest, dict[str, Path]]:
    """The request, and the path of each role. ``files`` may be one path where the kind has one role.

    Raises ``ValueError`` for an unknown kind, ``ValidationError`` (pydantic, a ``ValueError``) for what the
    contract does not allow, and ``OSError`` for a file that cannot be read.
    """
    try:
        kind = Kind(kind)
    except ValueError:
        raise ValueError(f"unknown kind {kind!r}; choose one of: {', '.join(Kind)}") from None
    if not isinstance(files, Mapping):
        first, *others = roles(kind)
        if others:
            raise ValueError(f"{kind} wants several pictures, by role: {', '.join(roles(kind))}")
        files = {first: files}
    paths = {role: Path(file) for role, file in files.items()}
    document: dict[str, Any] = {
        "kind": kind,
        "params": dict(params),
        "uploads": {role: describe(path) for role, path in paths.items()},
    }
    if engine is not None:
        document["engine"] = engine
    if allow_preview:
        document["allow_preview"] = True
    return REQUESTS[kind].model_validate(document), paths

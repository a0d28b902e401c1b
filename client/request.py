"""From a kind, paths and params to the contract's request."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from client.picture import describe
from pipeline.requests import REQUESTS, BaseRequest, Kind, roles
from pipeline.uploads import AssetReference

Source = str | PathLike[str] | AssetReference
"""A role's picture: the path of a file, or a picture of the caller's library."""


def build(
    kind: Kind | str,
    files: Mapping[str, Source] | Source | None,
    params: Mapping[str, Any],
    *,
    engine: str | None = None,
    allow_preview: bool = False,
    cache: bool = True,
) -> tuple[BaseRequest, dict[str, Path]]:
    """The request, and the path of each role that has a file. ``files`` may be one source where the kind has one role.

    Raises ``ValueError`` for an unknown kind, ``ValidationError`` (pydantic, a ``ValueError``) for what the
    contract does not allow, and ``OSError`` for a file that cannot be read.
    """
    try:
        kind = Kind(kind)
    except ValueError:
        raise ValueError(f"unknown kind {kind!r}; choose one of: {', '.join(Kind)}") from None
    sources = _by_role(kind, files)
    paths = {role: Path(source) for role, source in sources.items() if not isinstance(source, AssetReference)}
    document: dict[str, Any] = {
        "kind": kind,
        "params": dict(params),
        "uploads": {role: describe(paths[role]) if role in paths else source for role, source in sources.items()},
    }
    if engine is not None:
        document["engine"] = engine
    if allow_preview:
        document["allow_preview"] = True
    if not cache:
        document["cache"] = False
    return REQUESTS[kind].model_validate(document), paths


def _by_role(kind: Kind, files: Mapping[str, Source] | Source | None) -> Mapping[str, Source]:
    if files is None:
        return {}
    if isinstance(files, Mapping):
        return files
    wanted = roles(kind)
    if not wanted:
        raise ValueError(f"{kind} starts from words alone; it takes no picture")
    if len(wanted) > 1:
        raise ValueError(f"{kind} wants several pictures, by role: {', '.join(wanted)}")
    return {wanted[0]: files}

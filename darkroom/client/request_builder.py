"""Request builder: makes the contract's request from a kind, sources and params."""

from collections.abc import Mapping
from typing import Any

from darkroom.client.input_files import InputFile, input_file
from darkroom.client.media import describe_audio, describe_picture
from darkroom.client.sources import Source, expects_audio
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import REQUEST_MODELS, BaseRequest, upload_roles, uploads_model
from darkroom.contract.uploads import AssetReference, AudioUpload, AvatarReference, Upload


def build_request(
    kind: Kind | str,
    files: Mapping[str, Source] | Source | None,
    params: Mapping[str, Any],
    *,
    engine: str | None = None,
    allow_preview: bool = False,
    cache: bool = True,
) -> tuple[BaseRequest, dict[str, InputFile]]:
    """Return the request, and the content of each role that is to be uploaded.

    ``files`` may be one source if the kind needs one role. Open files are read here, once. Raises ``ValueError`` for an
    unknown kind, and for a role of audio whose file is none. Raises pydantic's ``ValidationError`` (a ``ValueError``)
    when the contract does not allow the request, ``OSError`` for an unreadable file, and ``TypeError`` for a source of
    another type.
    """
    try:
        kind = Kind(str(kind))
    except ValueError:
        raise ValueError(f"unknown kind {kind!r}; choose one of: {', '.join(Kind)}") from None
    sources = _by_role(kind, files)
    contents = _contents(sources)

    def described(role: str) -> Upload | AudioUpload:
        file = contents[role]
        return describe_audio(file) if expects_audio(kind, role, params) else describe_picture(file)

    document: dict[str, Any] = {
        "kind": kind,
        "params": dict(params),
        "uploads": {role: described(role) if role in contents else source for role, source in sources.items()},
    }
    if engine is not None:
        document["engine"] = engine
    if allow_preview:
        document["allow_preview"] = True
    if not cache:
        document["cache"] = False
    return REQUEST_MODELS[kind].model_validate(document), contents


def _contents(sources: Mapping[str, Source]) -> dict[str, InputFile]:
    """Return the content of the roles that have one. A source that stands for several roles is read once."""
    read: dict[int, InputFile] = {}
    found: dict[str, InputFile] = {}
    for role, source in sources.items():
        if not isinstance(source, AssetReference | AvatarReference):
            if id(source) not in read:
                read[id(source)] = input_file(source)
            found[role] = read[id(source)]
    return found


def _by_role(kind: Kind, files: Mapping[str, Source] | Source | None) -> Mapping[str, Source]:
    if files is None:
        return {}
    if isinstance(files, Mapping):
        return files
    model = uploads_model(kind)
    wanted = upload_roles(kind)
    needed = [role for role in wanted if model.model_fields[role].is_required()]
    if not wanted:
        raise ValueError(f"{kind} starts from words alone; it takes no picture")
    if model.model_config.get("extra") == "allow":
        raise ValueError(f"{kind} wants what its scenes speak of, by role, and may have {', '.join(wanted)}")
    if len(needed) != 1:
        raise ValueError(f"{kind} wants several pictures, by role: {', '.join(needed)}")
    return {needed[0]: files}

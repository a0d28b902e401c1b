"""Resolved request: a job request with engine, defaults and input sources filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from pydantic import Field, JsonValue, ValidationError

from cloud.dynamodb.job_record import JobRecord
from cloud.s3.keys import avatar_key
from darkroom.contract.avatars import avatars
from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.jobs import UploadStatus
from darkroom.contract.kinds import Kind
from darkroom.contract.params import Contract
from darkroom.contract.requests import BaseRequest, params_model, resolve_engine
from darkroom.contract.uploads import AUDIO_TYPES, AssetReference, AvatarReference, ContentType


class StoredAsset(Protocol):
    """A picture in a caller's asset library."""

    @property
    def asset_id(self) -> str:
        """Id of the asset."""

    @property
    def content_type(self) -> ContentType:
        """Content type by the file's header."""

    @property
    def size(self) -> int | None:
        """Size in bytes."""

    @property
    def sha256(self) -> str | None:
        """SHA-256 of the file, hex."""

    @property
    def key(self) -> str:
        """S3 key of the file."""


class AssetLibrary(Protocol):
    """Lookup of callers' assets."""

    def get_ready_asset(self, owner: str, asset_id: str) -> StoredAsset:
        """Return a ready asset of ``owner``. Raises ``DarkroomError`` (``not_found``, ``conflict``)."""


class Rerun(Contract):
    """A repetition of a job, with other values for the fields given here."""

    params: dict[str, JsonValue] = Field({}, description="Params that replace the job's own; the others stay.")
    engine: Engine | None = Field(None, description="Engine of the new job; that of the old job if left out.")
    allow_preview: bool | None = Field(
        None, description="Accept the preview engine if the models engine is not available; as before if left out."
    )
    cache: bool = Field(True, description="Accept the result of an identical job of yours from the result cache.")


@dataclass(frozen=True)
class ResolvedRequest:
    """A request ready to become a job.

    ``params`` have their defaults, ``uploads`` are as declared, ``copied_from`` is role → S3 key of inputs to copy.
    ``copied_etags`` is role → ETag of those of an earlier job, which are copied only if they are still the same.
    """

    kind: Kind
    engine: Engine
    allow_preview: bool
    params: Mapping[str, Any]
    uploads: Mapping[str, UploadStatus]
    copied_from: Mapping[str, str]
    cache: bool
    copied_etags: Mapping[str, str] = field(default_factory=dict)

    @property
    def input_digests(self) -> dict[str, str] | None:
        """Role → SHA-256 of the input; None while one is unknown."""
        digests = {role: upload.sha256 for role, upload in self.uploads.items() if upload.sha256 is not None}
        return digests if digests.keys() == self.uploads.keys() else None


def resolve_request(request: BaseRequest, owner: str, library: AssetLibrary, default_engine: Engine) -> ResolvedRequest:
    """Resolve a job request.

    Raises ``DarkroomError``: ``engine_unavailable`` when the requested engine cannot do it, ``invalid_request`` when no
    voice reads a script, ``not_found`` and ``conflict`` for assets.
    """
    engine = resolve_engine(request.kind, request.engine, default_engine)
    request.params.check_engine(engine, request.sources)
    params = request.params.with_voices(request.sources)
    uploads: dict[str, UploadStatus] = {}
    copied_from: dict[str, str] = {}
    for role, source in request.sources.items():
        match source:
            case AssetReference():
                asset = library.get_ready_asset(owner, source.asset_id)
                uploads[role] = UploadStatus(
                    content_type=asset.content_type, size=asset.size, sha256=asset.sha256, asset_id=asset.asset_id
                )
                copied_from[role] = asset.key
            case AvatarReference():
                portrait = avatars()[source.avatar]
                uploads[role] = UploadStatus(
                    content_type="image/webp", size=portrait.size, sha256=portrait.sha256, avatar=portrait.name
                )
                copied_from[role] = avatar_key(portrait.name)
            case _:
                uploads[role] = UploadStatus.model_validate(source.model_dump())
    return ResolvedRequest(
        kind=request.kind,
        engine=engine,
        allow_preview=request.allow_preview,
        params=params.model_dump(mode="json"),
        uploads=uploads,
        copied_from=copied_from,
        cache=request.cache,
    )


def resolve_rerun(record: JobRecord, rerun: Rerun, default_engine: Engine) -> ResolvedRequest:
    """Resolve a rerun of an ended job.

    Raises ``DarkroomError``: ``conflict`` when the job has not ended or its inputs were never uploaded,
    ``engine_unavailable`` when the engine cannot do it, ``invalid_request`` when no voice reads a script. Raises
    ``RequestValidationError`` for invalid params.
    """
    if not record.ended:
        raise DarkroomError(ErrorCode.CONFLICT, f"The job has not ended: it is {record.state}.")
    asked = rerun.engine or record.engine
    if not (record.kind.known and asked.known):
        raise DarkroomError(
            ErrorCode.UNKNOWN_TO_VERSION,
            f"The job was made by a newer version of this service, with kind {record.kind} and engine {record.engine}; "
            "this version cannot make it again.",
        )
    engine = resolve_engine(record.kind, asked, default_engine)
    allow_preview = record.allow_preview if rerun.allow_preview is None else rerun.allow_preview
    audio_roles = {role for role, upload in record.uploads.items() if upload.content_type in AUDIO_TYPES}
    try:
        params = params_model(record.kind).model_validate(
            {**_replaceable_params(record, rerun, audio_roles), **rerun.params}
        )
    except ValidationError as error:
        errors = [{**each, "loc": ("body", "params", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(errors) from error
    try:
        params.check_roles(record.uploads.keys() - audio_roles, audio_roles)
        params.check_drawable()
        params.check_consent({role for role, upload in record.uploads.items() if upload.avatar is None})
    except ValueError as error:
        loc = ("body", "params")
        raise RequestValidationError([{"type": "value_error", "loc": loc, "msg": str(error)}]) from error
    params.check_engine(engine, record.uploads)
    params = params.with_voices(audio_roles)
    copied_from = {}
    copied_etags = {role: etag for role in record.uploads if (etag := record.input_etag(role)) is not None}
    for role in record.uploads:
        key = record.input_key(role)
        if key is None:
            raise DarkroomError(ErrorCode.CONFLICT, f"The job's {role} never came. Submit a new job and upload it.")
        copied_from[role] = key
    return ResolvedRequest(
        kind=record.kind,
        engine=engine,
        allow_preview=allow_preview,
        params=params.model_dump(mode="json"),
        uploads={
            role: upload.public(None).model_copy(update={"received": False, "width": None, "height": None})
            for role, upload in record.uploads.items()
        },
        copied_from=copied_from,
        cache=rerun.cache,
        copied_etags=copied_etags,
    )


def _replaceable_params(record: JobRecord, rerun: Rerun, sounds: set[str]) -> Mapping[str, Any]:
    """Return a job's params for a rerun: if others are given, without voices that nobody chose."""
    if not rerun.params:
        return record.params
    try:
        stored = params_model(record.kind).model_validate(record.params)
        return stored.without_automatic_voices(sounds).model_dump(mode="json")
    except (ValidationError, DarkroomError):
        return record.params

"""Job requests: the request body of ``POST /jobs``, a union discriminated by ``kind``.

The request model of each kind is made from its entry in the registry, ``kinds.py``.
"""

from collections.abc import Mapping
from dataclasses import asdict
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, Field, create_model, model_validator

from darkroom.contract.engine import Engine
from darkroom.contract.errors import DarkroomError, ErrorCode
from darkroom.contract.kinds import KINDS, Kind
from darkroom.contract.params import Contract, Params
from darkroom.contract.uploads import AnySource, AudioUpload, AvatarReference


class BaseRequest(Contract):
    """Base of the requests of every kind."""

    kind: Kind
    params: Params
    uploads: Contract
    engine: Engine | None = Field(
        None, description="Engine; when left out, the deployment's default, or one that supports the kind."
    )
    allow_preview: bool = Field(False, description="Accept the preview engine if the models engine is not available.")
    cache: bool = Field(True, description="Return the result of an earlier equal job of yours, if there is one.")

    @property
    def sources(self) -> Mapping[str, AnySource]:
        """Sources by role, without roles that are left out."""
        return {role: source for role, source in self.uploads if source is not None}

    @model_validator(mode="after")
    def _check_roles(self) -> Self:
        sounds = {role for role, source in self.sources.items() if isinstance(source, AudioUpload)}
        self.params.check_roles(self.sources.keys() - sounds, sounds)
        self.params.check_drawable()
        self.params.check_consent(
            {role for role, source in self.sources.items() if not isinstance(source, AvatarReference)}
        )
        return self


def _request_model(kind: Kind) -> type[BaseRequest]:
    """Make the request model of a kind. Params and uploads may be left out if they have no required field."""
    definition = KINDS[kind]
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for name, model in (("params", definition.params), ("uploads", definition.uploads)):
        required = any(each.is_required() for each in model.model_fields.values())
        fields[name] = (model, ... if required else model())
    return create_model(
        "".join(word.capitalize() for word in kind.split("_")) + "Request",
        __base__=BaseRequest,
        __doc__=definition.summary,
        __module__=__name__,
        # The studio lays out the kind's form by it.
        __cls_kwargs__={"json_schema_extra": {"x-form": asdict(definition.form)}},
        **fields,
    )


REQUEST_MODELS: Mapping[Kind, type[BaseRequest]] = {kind: _request_model(kind) for kind in Kind}

if TYPE_CHECKING:
    JobRequest: TypeAlias = BaseRequest
else:
    JobRequest = Annotated[reduce(or_, REQUEST_MODELS.values()), Field(discriminator="kind")]


def __getattr__(name: str) -> type[BaseRequest]:
    """Return the request model of this name, such as ``UpscaleRequest``."""
    for model in REQUEST_MODELS.values():
        if model.__name__ == name:
            return model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def upload_roles(kind: Kind) -> tuple[str, ...]:
    """Return the upload roles of a kind, in the order of its model. The scenes of a request may define more.

    >>> upload_roles(Kind.INPAINT)
    ('photo', 'mask')
    """
    return tuple(uploads_model(kind).model_fields)


def uploads_model(kind: Kind) -> type[BaseModel]:
    """Return the model of a kind's uploads, which has a field for each role."""
    return KINDS[kind].uploads


def params_model(kind: Kind) -> type[Params]:
    """Return the model of a kind's params.

    >>> params_model(Kind.GENERATE).__name__
    'GenerateParams'
    """
    return KINDS[kind].params


def resolve_engine(kind: Kind, asked: Engine | None, default: Engine) -> Engine:
    """Choose the engine: the one asked for, else the default if it supports the kind, else the first that does.

    Raises ``DarkroomError`` (``engine_unavailable``) if the one asked for does not support the kind.

    >>> resolve_engine(Kind.GENERATE, None, Engine.PREVIEW)
    <Engine.MODELS: 'models'>
    """
    able = tuple(KINDS[kind].engines)
    if asked is not None and asked not in able:
        names = " or ".join(f'"{engine}"' for engine in able)
        raise DarkroomError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"The {asked} engine cannot do {kind}: nothing was queued. Ask for {names}.",
        )
    return asked or (default if default in able else able[0])

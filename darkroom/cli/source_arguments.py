"""Source arguments: the inputs of a kind's command, generated from the contract, by position or by name."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from darkroom.cli.param_flags import parameter
from darkroom.client.sources import Models, NamedSource, allowed_models, parse_source
from darkroom.contract.avatars import avatars
from darkroom.contract.file_signatures import ACCEPTED_AUDIO, ACCEPTED_PICTURES
from darkroom.contract.kinds import Kind
from darkroom.contract.requests import upload_roles, uploads_model
from darkroom.contract.uploads import AudioUpload, AvatarReference

PICTURE = f"A {ACCEPTED_PICTURES} file, or asset:ID."


@dataclass(frozen=True)
class SourceArgument:
    """A role of the kind: the path of a file, ``asset:`` and an asset's id, or an avatar's name.

    It is a positional argument; every one after the first is also an option, such as ``--mask mask.png``. ``allowed``
    are the source models that the contract allows for it.
    """

    role: str
    description: str
    required: bool
    first: bool
    allowed: Models

    @property
    def option(self) -> str:
        """The option's name on the command line."""
        return "--" + self.role.replace("_", "-")

    @property
    def example(self) -> str:
        """An example value for the help."""
        return next(iter(avatars())) if AvatarReference in self.allowed else f"{self.role}.jpg"

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """The parameters for the signature that typer reads: the positional argument, and the option if there is
        one.
        """
        place = typer.Argument(metavar=self.role.upper(), help=self.description, show_default=False)
        found = [parameter(self.role, Annotated[str | None, place], None, required=False)]
        if not self.first:
            option = typer.Option(
                self.option, metavar=self.role.upper(), help=f"The same as {self.role.upper()}.", show_default=False
            )
            found.append(parameter(f"{self.role}_", Annotated[str | None, option], None, required=False))
        return found

    def parse(self, given: Mapping[str, Any]) -> NamedSource | None:
        """Return the source given for this role; None for an optional role without one.

        Raises ``typer.BadParameter`` for a missing file, a wrong type, an invalid asset id, an unknown avatar, and for
        a role that is missing or given twice.
        """
        place, option = given.get(self.role), given.get(f"{self.role}_")
        where = f"'{self.option}'" if place is None and option is not None else f"'{self.role.upper()}'"
        if place is not None and option is not None:
            raise typer.BadParameter(f"given twice, as {place!r} and {option!r}", param_hint=f"'{self.option}'")
        word = place if option is None else option
        if word is None:
            if self.required:
                raise typer.BadParameter(f"missing: {self._wanted()}", param_hint=where)
            return None
        try:
            return parse_source(word, self.allowed)
        except (ValueError, OSError) as error:
            raise typer.BadParameter(str(error), param_hint=where) from error

    def _wanted(self) -> str:
        avatar = ", or the name of an avatar" if AvatarReference in self.allowed else ""
        either = "" if self.first else f" (or {self.option} {self.role.upper()})"
        return f"a file, {'' if avatar else 'or '}asset:ID{avatar}{either}"


def arguments(kind: Kind) -> tuple[SourceArgument, ...]:
    """Return the kind's source arguments, in the contract's order."""
    fields = uploads_model(kind).model_fields
    return tuple(
        SourceArgument(
            role,
            _describe(role, fields[role].description, allowed_models(kind, role)),
            required=fields[role].is_required(),
            first=number == 0 and fields[role].is_required(),
            allowed=allowed_models(kind, role),
        )
        for number, role in enumerate(upload_roles(kind))
    )


def _describe(role: str, description: str | None, allowed: Models) -> str:
    form = PICTURE
    if AudioUpload in allowed:
        form = f"A {ACCEPTED_AUDIO} file."
    elif AvatarReference in allowed:
        form = f"A {ACCEPTED_PICTURES} file, asset:ID, or the name of an avatar (`darkroom avatars`)."
    if description is None:
        return f"The {role.replace('_', ' ')}: {form[0].lower()}{form[1:]}"
    return description if form is PICTURE else f"{description} {form}"

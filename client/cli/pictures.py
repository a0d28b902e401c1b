"""The pictures of a kind on the command line, generated from the contract: each by its place or by its name."""

import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from client.cli.flags import parameter
from pipeline.requests import Kind, roles, uploads_model
from pipeline.uploads import AssetReference

ASSET = "asset:"


@dataclass(frozen=True)
class Picture:
    """A role of the kind: the path of a file, or ``asset:`` and an asset's id.

    It has its place on the line; every one after the first may be given as ``--mask mask.png``, too.
    """

    role: str
    about: str
    required: bool
    first: bool

    @property
    def option(self) -> str:
        """As it is typed where its place is not used."""
        return "--" + self.role.replace("_", "-")

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """For the signature that typer reads: the place, and the option where there is one."""
        place = typer.Argument(metavar=self.role.upper(), help=self.about, show_default=False)
        found = [parameter(self.role, Annotated[str | None, place], None, required=False)]
        if not self.first:
            option = typer.Option(
                self.option, metavar=self.role.upper(), help=f"The same as {self.role.upper()}.", show_default=False
            )
            found.append(parameter(f"{self.role}_", Annotated[str | None, option], None, required=False))
        return found

    def chosen(self, given: Mapping[str, Any]) -> Path | AssetReference | None:
        """What the line says of this role; None for an optional one of which it says nothing.

        Raises ``typer.BadParameter`` for a file that is not there, no id of an asset, and too much or too little said.
        """
        place, option = given.get(self.role), given.get(f"{self.role}_")
        where = f"'{self.option}'" if place is None and option is not None else f"'{self.role.upper()}'"
        if place is not None and option is not None:
            raise typer.BadParameter(f"given twice, as {place!r} and {option!r}", param_hint=f"'{self.option}'")
        word = place if option is None else option
        if word is None:
            if self.required:
                either = "" if self.first else f" (or {self.option} {self.role.upper()})"
                raise typer.BadParameter(f"missing: a file, or asset:ID{either}", param_hint=where)
            return None
        if word.startswith(ASSET):
            return _asset(word.removeprefix(ASSET), where)
        path = Path(word)
        if not path.exists():
            raise typer.BadParameter(f"the file {word!r} does not exist", param_hint=where)
        if path.is_dir():
            raise typer.BadParameter(f"{word!r} is a directory", param_hint=where)
        if not os.access(path, os.R_OK):
            raise typer.BadParameter(f"the file {word!r} is not readable", param_hint=where)
        return path


def pictures(kind: Kind) -> tuple[Picture, ...]:
    """The kind's pictures, in the contract's order."""
    fields = uploads_model(kind).model_fields
    return tuple(
        Picture(
            role,
            fields[role].description or f"The {role.replace('_', ' ')}: a JPEG, PNG or WebP file, or asset:ID.",
            fields[role].is_required(),
            first=number == 0,
        )
        for number, role in enumerate(roles(kind))
    )


def _asset(word: str, where: str) -> AssetReference:
    try:
        return AssetReference(asset_id=word)
    except ValidationError:
        raise typer.BadParameter(
            f"{word!r} is no asset's id (32 hex digits); `darkroom assets list` shows yours", param_hint=where
        ) from None

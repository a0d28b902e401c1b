"""``darkroom voices``: the voices that speak scripts."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from darkroom.cli.console import console
from darkroom.cli.output import echo
from darkroom.cli.service import client_for_endpoint, client_for_running_stack
from darkroom.cli.settings import EndpointFlag, JsonFlag, Settings, TokenFlag
from darkroom.client.async_service_info import speaks
from darkroom.client.responses import Voice
from darkroom.contract.voices import voices as contract_voices

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example:  darkroom voices --language en")
def voices(
    language: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Only voices of this language: en, or en-GB for one variant."),
    ] = None,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Show the voices that speak scripts. The first voice of a language is its default.

    They come from the service, or without one, from the contract that this command was installed with.
    """
    known = _voices(endpoint, token)
    found = [voice for voice in known if language is None or speaks(voice.language, language)]
    if not found:
        spoken = ", ".join(dict.fromkeys(voice.language for voice in known))
        raise typer.BadParameter(f"no voice speaks {language!r}; choose one of: {spoken}", param_hint="'--language'")
    if as_json:
        echo(json.dumps([voice.model_dump() for voice in found], indent=2, ensure_ascii=False))
        return
    table = Table("voice", "language", "title", box=None, pad_edge=False)
    for voice in found:
        table.add_row(voice.name, voice.language, voice.title)
    console().print(table)


def _voices(endpoint: str | None, token: str | None) -> Sequence[Voice]:
    client = client_for_endpoint(Settings.read(endpoint, token)) or client_for_running_stack(token)
    if client is None:
        return [Voice.model_validate(voice, from_attributes=True) for voice in contract_voices().values()]
    with client:
        return client.voices()

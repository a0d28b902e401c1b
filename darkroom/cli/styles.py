"""``darkroom styles``: the styles of rooms with their colours, and those of generated pictures."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from darkroom.cli.console import console
from darkroom.cli.output import echo
from darkroom.cli.service import client_for_endpoint, client_for_running_stack
from darkroom.cli.settings import EndpointFlag, JsonFlag, Settings, TokenFlag
from darkroom.client.responses import StyleCard
from darkroom.contract.kinds import Kind
from darkroom.contract.picture_styles import picture_styles
from darkroom.contract.styles import styles as contract_styles


class StyledKind(StrEnum):
    """The kinds that have styles."""

    RESTYLE_ROOM = Kind.RESTYLE_ROOM.value
    GENERATE = Kind.GENERATE.value


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def styles(
    kind: Annotated[
        StyledKind, typer.Option(help="What the styles are for: rooms, or generated pictures.")
    ] = StyledKind.RESTYLE_ROOM,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Show the styles of a kind; those of rooms with their colours.

    Asks the service; without one, shows the styles of the contract that this command was installed with.
    """
    cards = _cards(Kind(kind), endpoint, token)
    if as_json:
        echo(json.dumps([card.model_dump() for card in cards], indent=2))
        return
    coloured = any(card.palette for card in cards)
    table = Table("style", *(["palette"] if coloured else []), "title", "description", box=None, pad_edge=False)
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for card in cards:
        palette = [_swatches(card.palette)] if coloured else []
        table.add_row(card.name, *palette, card.title, card.description)
    console().print(table)


def _cards(kind: Kind, endpoint: str | None, token: str | None) -> Sequence[StyleCard]:
    client = client_for_endpoint(Settings.read(endpoint, token)) or client_for_running_stack(token)
    if client is None:
        known = contract_styles() if kind is Kind.RESTYLE_ROOM else picture_styles()
        return [StyleCard.model_validate(style.model_dump()) for style in known.values()]
    with client:
        return client.styles(None if kind is Kind.RESTYLE_ROOM else kind)


def _swatches(palette: Sequence[str]) -> Text:
    """Return blocks of colour, or the colours' names if stdout is no terminal."""
    if not console().is_terminal:
        return Text(" ".join(palette))
    return Text.assemble(*((" ██ ", colour) for colour in palette))

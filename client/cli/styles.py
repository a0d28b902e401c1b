"""``darkroom styles``: the room styles with their colours."""

import json
from collections.abc import Sequence

import typer
from rich.table import Table
from rich.text import Text

from client.cli.jobs import console
from client.cli.service import named, running
from client.cli.settings import EndpointFlag, JsonFlag, Settings, TokenFlag
from client.forms import StyleCard
from pipeline.styles import styles as contract_styles

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def styles(as_json: JsonFlag = False, endpoint: EndpointFlag = None, token: TokenFlag = None) -> None:
    """Show the room styles with their colours.

    Asks the service; without one, shows the styles of the contract that this command was installed with.
    """
    cards = _cards(endpoint, token)
    if as_json:
        typer.echo(json.dumps([card.model_dump() for card in cards], indent=2))
        return
    table = Table("style", "palette", "title", "description", box=None, pad_edge=False)
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for card in cards:
        table.add_row(card.name, _swatches(card.palette), card.title, card.description)
    console().print(table)


def _cards(endpoint: str | None, token: str | None) -> Sequence[StyleCard]:
    client = named(Settings.read(endpoint, token)) or running(token)
    if client is None:
        return [StyleCard.model_validate(style.model_dump()) for style in contract_styles().values()]
    with client:
        return client.styles()


def _swatches(palette: Sequence[str]) -> Text:
    """Blocks of colour; where there are no colours (a pipe), their names."""
    if not console().is_terminal:
        return Text(" ".join(palette))
    return Text.assemble(*((" ██ ", colour) for colour in palette))

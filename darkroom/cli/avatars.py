"""``darkroom avatars``: the portraits that come with the service."""

import json
from collections.abc import Sequence

import typer
from rich.table import Table

from darkroom.cli.console import console
from darkroom.cli.output import echo
from darkroom.cli.service import client_for_endpoint, client_for_running_stack
from darkroom.cli.settings import EndpointFlag, JsonFlag, Settings, TokenFlag
from darkroom.client.responses import Avatar
from darkroom.contract.avatars import avatars as contract_avatars

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog='Example:  darkroom run render_video amara --script "Hello there."')
def avatars(as_json: JsonFlag = False, endpoint: EndpointFlag = None, token: TokenFlag = None) -> None:
    """Show the avatars: portraits of people who do not exist, which videos accept by name in place of a file.

    They come from the service, or without one, from the contract that this command was installed with.
    """
    found = _avatars(endpoint, token)
    if as_json:
        echo(json.dumps([avatar.model_dump(exclude={"picture"}) for avatar in found], indent=2))
        return
    table = Table("avatar", "title", "description", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for avatar in found:
        table.add_row(avatar.name, avatar.title, avatar.description)
    console().print(table)


def _avatars(endpoint: str | None, token: str | None) -> Sequence[Avatar]:
    client = client_for_endpoint(Settings.read(endpoint, token)) or client_for_running_stack(token)
    if client is None:
        return [
            Avatar(name=each.name, title=each.title, description=each.description, licence=each.licence, picture="")
            for each in contract_avatars().values()
        ]
    with client:
        return client.avatars()

"""Placeholder of an operators' command in an installation that holds the SDK alone."""

from typing import NoReturn

import typer

from darkroom.client.errors import ClientError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def explain(context: typer.Context) -> NoReturn:
    """Needs a checkout of the project; this installation holds the SDK alone."""
    raise ClientError(
        "not_installed",
        f"`darkroom {context.info_name}` needs a checkout of the project; this installation holds the SDK alone.",
    )

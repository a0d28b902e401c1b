"""``darkroom enhance``: enhance a prompt."""

from typing import Annotated

import typer

from darkroom.cli.output import echo
from darkroom.cli.service import connect
from darkroom.cli.settings import EndpointFlag, JsonFlag, TokenFlag
from darkroom.contract.kinds import Kind

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(no_args_is_help=True, epilog='Example:  darkroom run generate --prompt "$(darkroom enhance "a red fox")"')
def enhance(
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="Description of the picture in a few words.")],
    kind: Annotated[Kind, typer.Option(help="Kind that the prompt is for.")] = Kind.GENERATE,
    style: Annotated[str | None, typer.Option(help="Style that the prompt must suit.", show_default=False)] = None,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Enhance a prompt and print it. The enhancer is named on stderr."""
    with connect(endpoint, token) as client:
        found = client.enhance(prompt, kind=kind, style=style)
    if as_json:
        echo(found.model_dump_json(indent=2))
        return
    echo(found.prompt)
    echo(f"by {found.by}{f' ({found.model})' if found.model else ''}", err=True)
    if found.note:
        echo(f"note: {found.note}", err=True)

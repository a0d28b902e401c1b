"""``darkroom assets``: list, add, keep, show, remove."""

import json
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from darkroom.cli.console import console
from darkroom.cli.jobs import LARGEST_PAGE, JobArgument
from darkroom.cli.output import echo
from darkroom.cli.progress import format_bytes, reporting
from darkroom.cli.service import connect
from darkroom.cli.settings import EndpointFlag, JsonFlag, TokenFlag
from darkroom.client.responses import Asset
from darkroom.contract.file_signatures import ACCEPTED_PICTURES

AssetArgument = Annotated[str, typer.Argument(metavar="ASSET_ID", help="Id, as shown by `darkroom assets list`.")]
NameFlag = Annotated[str | None, typer.Option("--name", help="Name of the asset.", show_default=False)]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog="Example:  darkroom run upscale asset:$(darkroom assets add room.jpg)",
)


@app.callback()
def assets() -> None:
    """Manage your asset library: pictures that jobs accept as asset:ID in place of a file."""


@app.command("list")
def list_assets(
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Only assets in this state: ready, awaiting_upload or failed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of assets.")] = 20,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """List your assets, newest first."""
    with connect(endpoint, token) as client:
        found = list(islice(client.assets.list(state=state, page=min(limit, LARGEST_PAGE)), limit))
    if as_json:
        echo(json.dumps([asset.model_dump(mode="json") for asset in found], indent=2))
        return
    table = Table("asset", "name", "state", "picture", "size", "created", "from", box=None, pad_edge=False)
    table.columns[0].no_wrap = table.columns[2].no_wrap = True
    for asset in found:
        created = asset.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        name = asset.name or "–"
        table.add_row(asset.asset_id, name, asset.state, _picture(asset), _size(asset), created, _source(asset))
    console().print(table)


@app.command()
def add(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help=f"{ACCEPTED_PICTURES}.", exists=True, dir_okay=False, readable=True),
    ],
    name: NameFlag = None,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Add pictures to your library and print their ids. Each is named after its file unless --name says otherwise."""
    if name is not None and len(files) > 1:
        raise typer.BadParameter("names one picture, and there are several", param_hint="'--name'")
    with reporting() as reporter, connect(endpoint, token) as client:
        for file in files:
            reporter.say(f"adding {file}")
            _print(client.assets.add(file, name=name, progress=reporter.sending), as_json=as_json)


@app.command()
def keep(
    job_id: JobArgument,
    picture: Annotated[
        str | None, typer.Option(help="Name of the job's picture; result when left out.", show_default=False)
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(help="Instead of a picture: the job's input with this role, such as photo.", show_default=False),
    ] = None,
    name: NameFlag = None,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Keep a picture of a job in your library and print its id."""
    if picture is not None and role is not None:
        raise typer.BadParameter("goes without --picture", param_hint="'--role'")
    with connect(endpoint, token) as client:
        _print(client.assets.keep(job_id, picture=picture, role=role, name=name), as_json=as_json)


@app.command()
def show(
    asset_id: AssetArgument, as_json: JsonFlag = False, endpoint: EndpointFlag = None, token: TokenFlag = None
) -> None:
    """Show an asset, with a link to its picture."""
    with connect(endpoint, token) as client:
        asset = client.assets.get(asset_id)
    if as_json:
        echo(asset.model_dump_json(indent=2))
        return
    facts: list[tuple[str, Any]] = [
        ("asset", asset.asset_id),
        ("name", asset.name),
        ("state", asset.state),
        ("picture", _picture(asset)),
        ("size", _size(asset)),
        ("sha256", asset.sha256),
        ("created", asset.created_at.astimezone().isoformat(" ", "seconds")),
        ("from", _source(asset)),
        ("error", asset.error and f"{asset.error.code}: {asset.error.message}"),
        ("url", asset.url),
    ]
    for label, value in facts:
        if value:
            echo(f"{label:<10} {value}")


@app.command()
def remove(
    asset_ids: Annotated[list[str], typer.Argument(metavar="ASSET_ID...", help="Ids of one or more assets.")],
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Remove assets. Results made from them stay."""
    with connect(endpoint, token) as client:
        for asset_id in asset_ids:
            client.assets.remove(asset_id)
            echo(f"{asset_id} removed")


def _print(asset: Asset, *, as_json: bool) -> None:
    echo(asset.model_dump_json(indent=2) if as_json else asset.asset_id)


def _picture(asset: Asset) -> str:
    kind = asset.content_type.removeprefix("image/")
    return f"{asset.width}×{asset.height} {kind}" if asset.width and asset.height else kind


def _size(asset: Asset) -> str:
    return "–" if asset.size is None else format_bytes(asset.size)


def _source(asset: Asset) -> str:
    source = asset.source
    if source is None or source.job_id is None:
        return source.type if source else "–"
    return f"{source.role or source.picture or 'result'} of job {source.job_id}"

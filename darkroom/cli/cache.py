"""``darkroom cache``: stats, clear."""

from typing import Annotated

import typer
from rich.table import Table

from darkroom.cli.console import console
from darkroom.cli.output import echo
from darkroom.cli.service import connect
from darkroom.cli.settings import EndpointFlag, JsonFlag, TokenFlag

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog="Example:  darkroom cache clear --older-than 7",
)


@app.callback()
def cache() -> None:
    """Manage the result cache: an equal job of the same owner gets the result of the earlier one.

    For administrators.
    """


@app.command()
def stats(as_json: JsonFlag = False, endpoint: EndpointFlag = None, token: TokenFlag = None) -> None:
    """Show hits, misses and savings of the cache by day."""
    with connect(endpoint, token) as client:
        found = client.cache_stats()
    if as_json:
        echo(found.model_dump_json(indent=2))
        return
    table = Table("day", "hits", "misses", "stored", "saved", "time saved", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for each in [*found.days, None]:
        row, name = (found, "all") if each is None else (each, str(each.date))
        counts = (str(row.hits), str(row.misses), str(row.stores))
        table.add_row(name, *counts, f"${row.saved_usd:.4f}", f"{row.saved_seconds:.1f} s")
    console().print(table)
    rate = "" if found.hit_rate is None else f"{found.hit_rate:.0%} of lookups were hits; "
    since = "" if found.valid_from is None else f"; cleared up to {found.valid_from.astimezone():%Y-%m-%d %H:%M:%S}"
    kept = f"results are reused for {found.cache_days} days" if found.cache_days else "the cache is off"
    echo(rate + kept + since, err=True)


@app.command()
def clear(
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than",
            min=0,
            metavar="DAYS",
            help="Only results older than this; all when left out.",
            show_default=False,
        ),
    ] = 0.0,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Stop reusing earlier results. Jobs keep their results; the next equal job is computed again."""
    with connect(endpoint, token) as client:
        found = client.clear_cache(max_age_days=older_than)
    if as_json:
        echo(found.model_dump_json(indent=2))
        return
    before = found.valid_from.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    echo(f"results from before {before} are taken no more" + ("" if found.moved else " (cleared already)"))

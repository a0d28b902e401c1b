"""``darkroom stats``, ``services`` and ``limits``: daily statistics, service status, and the caller's limits."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from darkroom.cli.console import console
from darkroom.cli.output import echo
from darkroom.cli.service import connect
from darkroom.cli.settings import EndpointFlag, JsonFlag, TokenFlag
from darkroom.client.reports import Durations, Instance, Services

STATES = ("completed", "failed", "cancelled", "expired")

stats = typer.Typer(add_completion=False, rich_markup_mode=None)
services = typer.Typer(add_completion=False, rich_markup_mode=None)
limits = typer.Typer(add_completion=False, rich_markup_mode=None)


@stats.command(epilog="Example:  darkroom stats --date 2025-06-01 --stages")
def show_stats(
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="UTC day; today when left out."),
    ] = None,
    stages: Annotated[bool, typer.Option("--stages", help="Show the time of each stage, too.")] = False,
    as_json: JsonFlag = False,
    endpoint: EndpointFlag = None,
    token: TokenFlag = None,
) -> None:
    """Show the statistics of a day's jobs: outcomes, durations and cost. For administrators."""
    with connect(endpoint, token) as client:
        found = client.stats(None if day is None else day.date())
    if as_json:
        echo(found.model_dump_json(indent=2))
        return
    columns = ("kind", "engine", *STATES, "open", "cached", "success", "p50", "p95", "cost")
    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for name, kind in found.kinds.items():
        table.add_row(
            name, "", *_counts(kind.states), str(kind.cached), _rate(kind.success_rate), *_percentiles(kind.seconds),
            _dollars(kind.cost_usd),
        )  # fmt: skip
        for engine, each in kind.engines.items():
            table.add_row(
                "", engine, *_counts(each.states), "", "", *_percentiles(each.seconds), _dollars(each.cost_usd)
            )  # fmt: skip
            for stage, seconds in each.stages.items() if stages else ():
                table.add_row("", f"  {stage}", *[""] * (len(STATES) + 3), *_percentiles(seconds), "")
    total = (*_counts(found.states), str(found.cached), _rate(found.success_rate), "", "", _dollars(found.cost_usd))
    table.add_row("all", "", *total)
    console().print(table)
    more = "; more jobs are open than were counted" if found.open_cut_off else ""
    echo(f"{found.date} (UTC), as of {found.at.astimezone().isoformat(' ', 'seconds')}{more}", err=True)


@services.command()
def show_services(as_json: JsonFlag = False, endpoint: EndpointFlag = None, token: TokenFlag = None) -> None:
    """Show the endpoint, its backlog, and the networks that its instances have loaded."""
    with connect(endpoint, token) as client:
        found = client.services()
    if as_json:
        echo(found.model_dump_json(indent=2))
        return
    for name, words in _parts(found):
        echo(f"{name:<10} {words}")
    if not found.instances:
        return
    table = Table("instance", "device", "jobs", "memory", "networks", "heard of", box=None, pad_edge=False)
    for instance in found.instances:
        ago = max(0.0, (datetime.now(UTC) - instance.reported_at).total_seconds())
        networks = ", ".join(
            f"{each.name} {each.megabytes:.0f} MB{'' if each.on_device else ' (host)'}" for each in instance.networks
        )
        facts = (instance.device or "–", str(instance.jobs), _memory(instance), networks or "–", f"{ago:.0f} s ago")
        table.add_row(instance.instance_id, *facts)
    console().print(table)


@limits.command()
def show_limits(as_json: JsonFlag = False, endpoint: EndpointFlag = None, token: TokenFlag = None) -> None:
    """Show your rate limits, and what your jobs have cost today."""
    with connect(endpoint, token) as client:
        found = client.limits()
    if as_json:
        echo(found.model_dump_json(indent=2))
        return
    table = Table("what", "left", "of", "per", "anew in", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, each in found.rates.items():
        anew = f"{each.reset_seconds} s" if each.remaining < each.limit else "–"
        table.add_row(name, str(each.remaining), str(each.limit), f"{each.window_seconds} s", anew)
    console().print(table)
    budget = found.budget
    allowed = "a day has no limit" if budget.daily_usd is None else f"of {_dollars(budget.daily_usd)} a day"
    echo(f"budget     {_dollars(budget.spent_usd)} {allowed}; anew at {budget.ends_at.astimezone():%H:%M:%S}")


def _parts(found: Services) -> list[tuple[str, str]]:
    unknown = {part: f"unknown: {reason}" for part, reason in found.reasons.items()}
    endpoint = unknown.get("endpoint", "unknown")
    if found.endpoint is not None:
        endpoint = f"{found.endpoint.status}, {_count_of(found.endpoint.instances, 'instance')}"
    previews = unknown.get("previews", "unknown")
    if found.previews is not None:
        previews = "on the endpoint" if found.previews.status == "absent" else found.previews.status
    backlog = unknown.get("backlog", "unknown")
    if found.backlog is not None:
        each = found.backlog
        more = ", and more than were counted" if each.cut_off else ""
        backlog = f"{each.messages} to dispatch, {each.dispatched} for an instance, {each.running} running{more}"
    parts = [("endpoint", endpoint), ("previews", previews), ("backlog", backlog)]
    if found.instances is None:
        parts.append(("instances", unknown.get("instances", "unknown")))
    return parts


def _count_of(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _memory(instance: Instance) -> str:
    if instance.vram_used_mb is None or instance.vram_total_mb is None:
        return "–"
    return f"{instance.vram_used_mb:.0f} of {instance.vram_total_mb:.0f} MB"


def _counts(states: dict[str, int]) -> list[str]:
    """Return the number of jobs in each terminal state, and of open ones."""
    still = sum(count for state, count in states.items() if state not in STATES)
    return [*(str(states.get(state, 0)) for state in STATES), str(still)]


def _percentiles(seconds: Durations) -> tuple[str, str]:
    p50, p95 = ("–" if each is None else f"{each:.2f} s" for each in (seconds.p50, seconds.p95))
    return p50, p95


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.0%}"


def _dollars(amount: float) -> str:
    return f"${amount:.4f}"

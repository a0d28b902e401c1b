"""``darkroom models``: list, fetch, import, verify, check, push."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from darkroom.cli.console import SafeConsole, console
from darkroom.cli.output import echo
from darkroom.cli.settings import JsonFlag
from darkroom.client.errors import ClientError
from darkroom.contract.errors import DarkroomError
from darkroom.contract.kinds import Kind
from pipeline.weights.catalog import ROLES, Model, catalog, default_models
from pipeline.weights.file_import import import_file
from pipeline.weights.parallel_fetch import FetchOutcome, fetch_models
from pipeline.weights.store import ModelRecord, WeightStore, default_folder

IdsArgument = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids, as shown by `darkroom models list`.")]
WeightsFlag = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FOLDER",
        help="Folder of the models; DARKROOM_WEIGHTS when left out, else the user's cache folder.",
        show_default=False,
    ),
]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog="Example:  darkroom models fetch --kind restyle_room",
)


@app.callback()
def models() -> None:
    """Manage the models of the models engine."""


@app.command("list")
def list_models(as_json: JsonFlag = False, weights: WeightsFlag = None) -> None:
    """List the models with purpose, state and licence.

    docs/models.md describes the terms of each licence.
    """
    with _as_client_errors():
        store = WeightStore(weights or default_folder())
        rows = [(model, store.record_of(model), _state(store, model)) for model in catalog().values()]
    if as_json:
        echo(json.dumps([_document(*row) for row in rows], indent=2))
        return
    table = Table("model", "what for", "here", "GPU", "licence", "to sell", "revision", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for model, recorded, state in rows:
        here = {"absent": "–", "fetched": _megabytes(_bytes(recorded))}.get(state, state.replace("_", " "))
        revision = (recorded.revision if recorded else model.revision)[:8]
        name = f"{model.id}{'' if model.default else ' (choice)'}"
        sold = "yes" if model.commercial else "research" if model.research_only else "no"
        table.add_row(name, ROLES[model.role], here, f"{model.vram_mb} MB", model.licence, sold, revision)
    console().print(table)
    echo(f"in {store.folder}", err=True)


@app.command()
def fetch(
    ids: IdsArgument = None,
    kind: Annotated[Kind | None, typer.Option(help="Models that jobs of this kind need by default.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All models, including optional ones.")] = False,
    research: Annotated[
        bool, typer.Option("--research", help="Include models that are licensed for non-commercial research only.")
    ] = False,
    weights: WeightsFlag = None,
) -> None:
    """Fetch models from the Hugging Face hub, several at once.

    A model that fails does not end the others: what is missing is listed at the end, and the exit code is 1.

    Without IDs, fetches all models that jobs of any kind need by default. Complete files are kept; missing, altered
    and partial ones are fetched again. Reads HF_TOKEN and HF_ENDPOINT. Models that are licensed for non-commercial
    research only are left out, unless they are named or --research is given.
    """
    if sum((bool(ids), kind is not None, every)) > 1:
        raise typer.BadParameter("give IDs, --kind or --all, not two of them")
    requested = _models_by_id(ids) if ids else tuple(catalog().values())
    if not ids and not every:
        requested = default_models([kind] if kind else Kind, research=True)
    if not requested:
        echo(f"{kind} needs no model.", err=True)
    chosen = tuple(model for model in requested if ids or research or not model.research_only)
    if left_out := [model.id for model in requested if model not in chosen]:
        echo(
            f"left out: {', '.join(left_out)}, licensed for non-commercial research only; --research fetches them",
            err=True,
        )
    for model in chosen:
        if model.research_only:
            echo(f"{model.id} is licensed for non-commercial research only: {model.licence}", err=True)
    store = WeightStore(weights or default_folder())
    failed: list[FetchOutcome] = []
    with _progress_bars() as begin:
        for outcome in fetch_models(chosen, store, begin):
            if (fetched := outcome.result) is None:
                failed.append(outcome)
                continue
            what = f"fetched {_megabytes(fetched.downloaded)}" if fetched.downloaded else "is here"
            echo(f"{outcome.model.id} {what} ({outcome.model.licence}, revision {fetched.revision[:8]})")
    if failed:
        _report_missing(failed, len(chosen))


@app.command("import")
def import_model(
    model_id: Annotated[str, typer.Argument(metavar="ID", help="Id, as shown by `darkroom models list`.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File as published by the model's authors.")],
    weights: WeightsFlag = None,
) -> None:
    """Import a model from a local file.

    For models that cannot be fetched automatically. The file is checked, copied and recorded.
    """
    (model,) = _models_by_id([model_id])
    if model.original is None:
        importable = ", ".join(each.id for each in catalog().values() if each.original is not None)
        raise typer.BadParameter(f"{model.id} is fetched, not imported; these can be imported: {importable}")
    store = WeightStore(weights or default_folder())
    with _as_client_errors():
        import_file(model, file, store)
    echo(f"{model.id} imported from {file.name} ({model.licence})")


@app.command()
def verify(ids: IdsArgument = None, weights: WeightsFlag = None) -> None:
    """Verify the files of fetched models.

    Without IDs, verifies all fetched models. Exit code 1 if there is a problem.
    """
    store = WeightStore(weights or default_folder())
    with _as_client_errors():
        chosen = _models_by_id(ids) if ids else tuple(model for model in catalog().values() if store.record_of(model))
        if not chosen:
            raise ClientError("engine_unavailable", f"Nothing was fetched into {store.folder}.")
        problems = store.verify_all(chosen)
    for id_, found in problems.items():
        for problem in found:
            echo(f"darkroom: {problem}", err=True)
        if not found:
            echo(f"{id_} is as it was fetched")
    raise typer.Exit(1 if any(problems.values()) else 0)


@app.command()
def check(
    kind: Annotated[Kind | None, typer.Option(help="Networks that jobs of this kind may use.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N, as for the container.")] = "auto",
    research: Annotated[
        bool, typer.Option("--research", help="Include models that are licensed for non-commercial research only.")
    ] = False,
    weights: WeightsFlag = None,
) -> None:
    """Run each network once, on the machine that will serve.

    Prints a verdict, the times to load and to compute, memory and runtime of each. Without --kind, checks the networks
    of all kinds. Exit code 1 if one fails.
    """
    if find_spec("torch") is None:
        raise ClientError(
            "not_installed", "Checking networks needs torch; pip install 'darkroom-sdk[models]' brings it."
        )
    options = ["--device", device]
    options += ["--kind", kind] if kind is not None else []
    options += ["--accept-research-licence"] if research else []
    options += ["--weights", str(weights)] if weights is not None else []
    # Another process, as commands import no engine.
    command = [sys.executable, "-m", "pipeline.network_check", *options]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


@app.command()
def push(
    target: Annotated[str, typer.Argument(metavar="s3://BUCKET/PREFIX", help="Bucket and prefix to upload to.")],
    ids: IdsArgument = None,
    weights: WeightsFlag = None,
) -> None:
    """Push fetched models to S3, for SageMaker.

    Without IDs, pushes all fetched models. Prints the prefix, which is the value of the context key `model_data`.
    Every file is verified first; files that are there already are skipped. Uses the credentials of the AWS SDK.
    """
    _models_by_id(ids or [])
    if find_spec("boto3") is None:
        raise ClientError(
            "not_installed", "Pushing models needs the AWS SDK; pip install 'darkroom-sdk[infra]' brings it."
        )
    folder = ["--weights", str(weights)] if weights is not None else []
    command = [sys.executable, "-m", "infra.commands.models_push", target, *(ids or []), *folder]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


def _report_missing(failed: Sequence[FetchOutcome], requested: int) -> NoReturn:
    """Print what is missing and why, and exit with 1; a single error if nothing else was requested."""
    messages = {str(outcome.error): outcome.error for outcome in failed}
    (first, *others) = messages.values()
    # All for one cause, such as a library that is not installed, is one error, too.
    if first is not None and not others and len(failed) == requested:
        raise ClientError(first.detail.code, first.detail.message)
    table = Table("missing", "for", "why", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for outcome in failed:
        table.add_row(outcome.model.id, ", ".join(outcome.model.kinds), str(outcome.error))
    SafeConsole(stderr=True).print(table)
    ids = " ".join(outcome.model.id for outcome in failed)
    echo(f"darkroom: {len(failed)} of {requested} models are missing; `darkroom models fetch {ids}` goes on.", err=True)
    raise typer.Exit(1)


def _models_by_id(ids: Sequence[str]) -> tuple[Model, ...]:
    if unknown := [each for each in ids if each not in catalog()]:
        raise typer.BadParameter(f"unknown model {unknown[0]!r}; choose among: {', '.join(catalog())}")
    return tuple(catalog()[each] for each in dict.fromkeys(ids))


def _state(store: WeightStore, model: Model) -> str:
    if store.record_of(model) is None:
        return "absent"
    try:
        store.check(model)
    except DarkroomError:
        return "fetch_again"
    return "fetched"


def _bytes(recorded: ModelRecord | None) -> int:
    return sum(file.size for file in recorded.files.values()) if recorded else 0


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def _document(model: Model, recorded: ModelRecord | None, state: str) -> dict[str, object]:
    return {
        **model.model_dump(mode="json"),
        "what_for": ROLES[model.role],
        "state": state,
        "fetched_revision": recorded.revision if recorded else None,
        "bytes": _bytes(recorded),
    }


@contextmanager
def _as_client_errors() -> Iterator[None]:
    """Convert the pipeline's errors to errors that the command prints."""
    try:
        yield
    except DarkroomError as error:
        raise ClientError(error.detail.code, error.detail.message) from error


@contextmanager
def _progress_bars() -> Iterator[Callable[[Model], Callable[[int, int], None]]]:
    """Yield a function that starts a live bar for a model; silent if stderr is no terminal."""
    columns = (
        *(TextColumn("{task.description}", markup=False), BarColumn(bar_width=30), DownloadColumn()),
        *(TransferSpeedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=SafeConsole(stderr=True), disable=not sys.stderr.isatty()) as progress:

        def begin(model: Model) -> Callable[[int, int], None]:
            task = progress.add_task(model.id, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield begin

"""``python -m infra.commands.models_push``: upload models to S3 in the layout that an endpoint reads.

The prefix is an uncompressed SageMaker model (``S3DataType: S3Prefix``, ``CompressionType: None``). Each object appears
below ``/opt/ml/model`` at its key after the prefix, so that folder equals the local weight store. Files are uploaded
first and the manifest last, so that it never names a missing file.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import boto3
import typer
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from darkroom.cli.console import SafeConsole
from darkroom.cli.output import echo, escape_what_streams_cannot_encode
from darkroom.client.errors import EnvironmentVariableError
from darkroom.contract.errors import DarkroomError, ErrorCode
from infra.commands.aws_proxies import aws_proxies
from infra.commands.model_bucket import S3Destination, find_object, read_manifest
from pipeline.weights.catalog import Model, catalog
from pipeline.weights.store import MANIFEST, FileRecord, Manifest, WeightStore, default_folder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Called with bytes uploaded and bytes in total.
Report = Callable[[int, int], None]

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
err = SafeConsole(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class _Upload:
    """A file of the weight store, its key, and its entry in the manifest."""

    path: Path
    key: str
    recorded: FileRecord


def push(
    store: WeightStore,
    models: Iterable[Model],
    target: S3Destination,
    s3: "S3Client",
    report: Report = lambda _done, _total: None,
) -> int:
    """Verify and upload the models; return the number of bytes uploaded.

    Files present with the same size and SHA-256 (stored as metadata) are skipped. Earlier entries of the manifest are
    kept. Raises ``DarkroomError`` for a missing or altered file, and boto3's errors.
    """
    wanted = {}
    uploads = []
    chosen = tuple(models)
    for problems in store.verify_all(chosen).values():
        for problem in problems:
            raise DarkroomError(ErrorCode.ENGINE_UNAVAILABLE, problem)
    for model in chosen:
        weights = store.open(model)
        recorded = store.record_of(model)
        assert recorded is not None
        wanted[model.id] = recorded
        uploads += [
            _Upload(weights.folder / path, f"{target.prefix}{model.id}/{path}", recorded.files[path])
            for path in model.files
        ]
    missing = [upload for upload in uploads if not _is_uploaded(s3, target.bucket, upload)]
    total = sum(upload.recorded.size for upload in uploads)
    count = sum(upload.recorded.size for upload in missing)
    advance = _Counter(total - count, total, report)
    for upload in missing:
        s3.upload_file(
            str(upload.path),
            target.bucket,
            upload.key,
            ExtraArgs={"Metadata": {"sha256": upload.recorded.sha256}, "ChecksumAlgorithm": "SHA256"},
            Callback=advance,
        )
    manifest = read_manifest(s3, target) or Manifest()
    merged = Manifest(models=manifest.models | wanted)
    if merged != manifest:
        body = merged.model_dump_json(indent=2).encode() + b"\n"
        s3.put_object(Bucket=target.bucket, Key=target.prefix + MANIFEST, Body=body, ContentType="application/json")
    return count


def check_region(s3: "S3Client", bucket: str, region: str | None) -> None:
    """Raise ``ValueError`` if a bucket is in another region than ``region``, which is where an endpoint would be.

    SageMaker reads models from the endpoint's region only, and the endpoint would fail as it starts. Nothing is checked
    if either region is unknown.
    """
    try:
        answer: Mapping[str, Any] = s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response  # S3 names the region of a bucket even to those who may not read it
    found = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amz-bucket-region")
    if found and region and found != region:
        raise ValueError(
            f"the bucket {bucket!r} is in {found}, and your region is {region}: an endpoint reads models of its own "
            f"region only. Set AWS_DEFAULT_REGION={found} if the endpoint is there, or use a bucket in {region}"
        )


class _Counter:
    """Progress callback that sums the bytes sent by boto3's threads."""

    def __init__(self, done: int, total: int, report: Report) -> None:
        self._done, self._total, self._report = done, total, report
        self._lock = threading.Lock()
        report(done, total)

    def __call__(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._report(self._done, self._total)


def _is_uploaded(s3: "S3Client", bucket: str, upload: _Upload) -> bool:
    found = find_object(s3, bucket, upload.key)
    if found is None:
        return False
    stored = (found["ContentLength"], found["Metadata"].get("sha256"))
    return stored == (upload.recorded.size, upload.recorded.sha256)


@app.command()
def main(
    target: Annotated[str, typer.Argument(metavar="s3://BUCKET/PREFIX", help="Bucket and prefix to upload to.")],
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Ids of the models; all fetched ones when left out.")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder of the models; DARKROOM_WEIGHTS when left out.")] = None,
) -> None:
    """Push fetched models to S3, where a SageMaker endpoint reads them.

    Exit status: 0; 1 if a file is missing or altered, or S3 rejects it; 2 for wrong usage.
    """
    store = WeightStore(weights or default_folder())
    try:
        place = S3Destination.parse(target)
        models = _models_to_push(store, ids or [])
        s3 = _s3()
        check_region(s3, place.bucket, boto3.Session().region_name)
        with _progress_bar() as report:
            sent = push(store, models, place, s3, report)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except DarkroomError as error:
        _fail(error.detail.message)
    except ClientError as error:
        _fail(f"{place} refused: {error.response['Error'].get('Message') or error}")
    except (BotoCoreError, S3UploadFailedError) as error:
        _fail(str(error))
    except EnvironmentVariableError as error:
        err.print(f"error: {error.message}", markup=False)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    err.print(f"{len(models)} models, {sent / 1e6:.0f} MB sent, the rest was there", markup=False)
    echo(str(place))


def _s3() -> "S3Client":
    """Return a client of S3, or of the endpoint in ``AWS_ENDPOINT_URL``, with the proxy that the SDK would use.

    Raises ``EnvironmentVariableError`` for a proxy that cannot be used.
    """
    return boto3.client("s3", config=Config(proxies=aws_proxies(boto3.client("s3").meta.endpoint_url)))


def _models_to_push(store: WeightStore, ids: list[str]) -> list[Model]:
    if unknown := [each for each in ids if each not in catalog()]:
        raise ValueError(f"unknown model {unknown[0]!r}; choose among: {', '.join(catalog())}")
    chosen = [model for model in catalog().values() if (model.id in ids if ids else store.record_of(model))]
    if not chosen:
        _fail(f"nothing was fetched into {store.folder}; `darkroom models fetch` does it")
    return chosen


@contextmanager
def _progress_bar() -> Iterator[Report]:
    """Yield the callback of a live bar; silent if stderr is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        task = progress.add_task("pushing", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _fail(message: str) -> NoReturn:
    err.print(f"error: {message}", markup=False)
    raise typer.Exit(1)


if __name__ == "__main__":
    escape_what_streams_cannot_encode()
    app(prog_name="python -m infra.commands.models_push")

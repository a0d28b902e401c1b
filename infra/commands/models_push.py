"""``python -m infra.commands.models_push``: upload models to S3 in the layout that an endpoint reads.

The prefix is an uncompressed SageMaker model (``S3DataType: S3Prefix``, ``CompressionType: None``). Each object appears
below ``/opt/ml/model`` at its key after the prefix, so that folder equals the local weight store. Files are uploaded
first and the manifest last, so that it never names a missing file.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self

import boto3
import typer
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from darkroom.cli.console import SafeConsole
from darkroom.cli.output import echo, escape_what_streams_cannot_encode
from darkroom.client.environment_proxy import environment_proxy
from darkroom.client.errors import EnvironmentVariableError
from darkroom.contract.errors import DarkroomError
from pipeline.weights.catalog import Model, catalog
from pipeline.weights.store import MANIFEST, FileRecord, Manifest, WeightStore, default_folder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Called with bytes uploaded and bytes in total.
Report = Callable[[int, int], None]

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
err = SafeConsole(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class S3Destination:
    """A bucket and a prefix that ends with a slash, as SageMaker requires."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Parse ``s3://bucket/prefix``. Raises ``ValueError``."""
        match = re.fullmatch(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<prefix>[^/].*)", uri)
        if match is None:
            raise ValueError(f"{uri!r} is not s3://BUCKET/PREFIX; models have a prefix of their own")
        return cls(match["bucket"], match["prefix"].rstrip("/") + "/")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


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
    for model in models:
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
    manifest = _manifest(s3, target)
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
    try:
        head = s3.head_object(Bucket=bucket, Key=upload.key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return head["ContentLength"] == upload.recorded.size and head["Metadata"].get("sha256") == upload.recorded.sha256


def _manifest(s3: "S3Client", target: S3Destination) -> Manifest:
    """Return the manifest in S3; an empty one if there is none, or it is invalid."""
    try:
        body = s3.get_object(Bucket=target.bucket, Key=target.prefix + MANIFEST)["Body"].read()
        return Manifest.model_validate_json(body)
    except (s3.exceptions.NoSuchKey, ValidationError):
        return Manifest()


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

    Raises ``EnvironmentVariableError``. botocore's own message for such a proxy quotes its password.
    """
    proxy = environment_proxy(boto3.client("s3").meta.endpoint_url)
    if proxy is not None and not proxy.startswith(("http://", "https://")):
        raise EnvironmentVariableError("The environment", "names a SOCKS proxy, which the AWS SDK cannot use.")
    return boto3.client("s3", config=Config(proxies={} if proxy is None else {"http": proxy, "https": proxy}))


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

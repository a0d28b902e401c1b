"""What the API's routes share, made once per process."""

from functools import cache
from typing import TYPE_CHECKING

from handlers import clients
from handlers.assets import AssetTable
from handlers.budget import Budget
from handlers.copies import Copies
from handlers.desk import Desk, Means
from handlers.enhancement import Enhancer
from handlers.health import HealthCheck
from handlers.instance_reports import InstanceReports
from handlers.ledger import Ledger
from handlers.library import Library
from handlers.limits import Limits
from handlers.open_jobs import OpenJobs
from handlers.queue import JobQueue
from handlers.rates import rates
from handlers.result_cache import ResultCache
from handlers.services import ServiceWatch
from handlers.settings import ApiSettings
from handlers.statistics import StatisticsDesk
from handlers.store import JobStore
from handlers.table import JobTable
from handlers.uploads import Presigner
from pipeline import prompts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


@cache
def settings() -> ApiSettings:
    """The API's settings."""
    return ApiSettings.read()


@cache
def dynamodb() -> "DynamoDBClient":
    """The tables: one client, whose making takes longer than a call."""
    return clients.dynamodb()


@cache
def s3() -> "S3Client":
    """The bucket, likewise."""
    return clients.s3()


@cache
def ledger() -> Ledger:
    """What is counted and remembered beside the jobs."""
    return Ledger(settings().ledger_table, dynamodb())


@cache
def presigner() -> Presigner:
    """Signs forms and links."""
    known = settings()
    return Presigner(s3(), known.bucket, get_seconds=known.result_seconds, post_seconds=known.upload_seconds)


@cache
def library() -> Library:
    """Where assets are kept."""
    known = settings()
    assets, jobs = AssetTable(known.assets_table, dynamodb()), JobTable(known.jobs_table, dynamodb())
    return Library(known, assets, jobs, presigner(), s3())


@cache
def limits() -> Limits:
    """How often each may ask for what."""
    return Limits(ledger(), rates(settings().rate_limits))


@cache
def budget() -> Budget:
    """What each may spend in a day."""
    known = settings()
    return Budget(ledger(), daily_usd=known.owner_daily_usd, usd_per_hour=known.instance_usd_per_hour)


@cache
def result_cache() -> ResultCache:
    """What jobs gave before."""
    return ResultCache(ledger(), cache_days=settings().cache_days)


@cache
def desk() -> Desk:
    """Where jobs are asked for."""
    known = settings()
    means = Means(
        limits=limits(),
        budget=budget(),
        cache=result_cache(),
        library=library(),
        copies=Copies(s3(), known.bucket),
        queue=JobQueue(clients.sqs(), known.queue_url),
    )
    return Desk(known, JobStore(known.jobs_table, dynamodb()), presigner(), means)


@cache
def health_check() -> HealthCheck:
    """Asks the parts how they are."""
    brief = clients.BRIEF
    return HealthCheck(
        settings(), clients.dynamodb(brief), clients.s3(brief), clients.sqs(brief), clients.sagemaker(brief)
    )


@cache
def statistics() -> StatisticsDesk:
    """Tells of a day in numbers."""
    return StatisticsDesk(ledger(), OpenJobs(settings().jobs_table, dynamodb()))


@cache
def services() -> ServiceWatch:
    """Asks what works."""
    known, brief = settings(), clients.BRIEF
    tables = clients.dynamodb(brief)
    reports = InstanceReports(Ledger(known.ledger_table, tables))
    return ServiceWatch(
        known, OpenJobs(known.jobs_table, tables), reports, clients.sqs(brief), clients.sagemaker(brief)
    )


@cache
def enhancer() -> Enhancer:
    """Says prompts better."""
    model = settings().bedrock_model
    return Enhancer(prompts.enhance, model, clients.bedrock(clients.WORDY) if model else None)

"""What the API's routes share, made once per process."""

from functools import cache
from typing import TYPE_CHECKING

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.job_table import JobTable
from cloud.dynamodb.ledger import Ledger
from cloud.instance_reports import InstanceReports
from cloud.job_queue import JobQueue
from cloud.s3.presigner import Presigner
from handlers.assets.service import Library
from handlers.assets.table import AssetTable
from handlers.endpoint.health import HealthCheck
from handlers.endpoint.service_status import ServiceWatch
from handlers.jobs.object_copies import Copies
from handlers.jobs.open_jobs import OpenJobs
from handlers.jobs.result_cache import ResultCache
from handlers.jobs.service import Desk, Means
from handlers.limits.budget import Budget
from handlers.limits.rate_limiter import Limits
from handlers.limits.rates import rates
from handlers.prompts import rules
from handlers.prompts.enhancement import Enhancer
from handlers.settings import ApiSettings
from handlers.statistics.service import StatisticsDesk

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
    return Enhancer(rules.enhance, model, clients.bedrock(clients.WORDY) if model else None)

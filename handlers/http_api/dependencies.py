"""Dependencies of the routes: services and clients, created once per process."""

from functools import cache
from typing import TYPE_CHECKING

from cloud import clients
from cloud.dynamodb.job_store import JobStore
from cloud.dynamodb.job_table import JobTable
from cloud.dynamodb.ledger import Ledger
from cloud.instance_reports import InstanceReports
from cloud.job_queue import JobQueue
from cloud.s3.presigner import Presigner
from handlers.assets.service import AssetService
from handlers.assets.table import AssetTable
from handlers.endpoint.health import HealthCheck
from handlers.endpoint.service_status import ServiceStatusReader
from handlers.jobs.object_copies import ObjectCopier
from handlers.jobs.open_jobs import OpenJobs
from handlers.jobs.result_cache import ResultCache
from handlers.jobs.service import JobDependencies, JobService
from handlers.limits.budget import Budget
from handlers.limits.rate_limiter import RateLimiter
from handlers.limits.rates import configured_rates
from handlers.prompts import rules
from handlers.prompts.enhancement import PromptEnhancer
from handlers.settings import ApiSettings
from handlers.statistics.service import StatisticsService

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


@cache
def settings() -> ApiSettings:
    """The API's settings."""
    return ApiSettings.read()


@cache
def dynamodb() -> "DynamoDBClient":
    """The shared DynamoDB client; creating one takes longer than a call."""
    return clients.dynamodb()


@cache
def s3() -> "S3Client":
    """The shared S3 client."""
    return clients.s3()


@cache
def ledger() -> Ledger:
    """The ledger of counters and cached results."""
    return Ledger(settings().ledger_table, dynamodb())


@cache
def presigner() -> Presigner:
    """The presigner of uploads and downloads."""
    known = settings()
    return Presigner(s3(), known.bucket, get_seconds=known.result_seconds, post_seconds=known.upload_seconds)


@cache
def asset_service() -> AssetService:
    """The asset service."""
    known = settings()
    assets, jobs = AssetTable(known.assets_table, dynamodb()), JobTable(known.jobs_table, dynamodb())
    return AssetService(known, assets, jobs, presigner(), s3())


@cache
def rate_limiter() -> RateLimiter:
    """The rate limiter of all callers."""
    return RateLimiter(ledger(), configured_rates(settings().rate_limits))


@cache
def budget() -> Budget:
    """The daily budget of each caller."""
    known = settings()
    return Budget(ledger(), daily_usd=known.owner_daily_usd, usd_per_hour=known.instance_usd_per_hour)


@cache
def result_cache() -> ResultCache:
    """The cache of earlier results."""
    return ResultCache(ledger(), cache_days=settings().cache_days)


@cache
def job_service() -> JobService:
    """The job service."""
    known = settings()
    dependencies = JobDependencies(
        limits=rate_limiter(),
        budget=budget(),
        cache=result_cache(),
        library=asset_service(),
        copies=ObjectCopier(s3(), known.bucket),
        queue=JobQueue(clients.sqs(), known.queue_url),
    )
    return JobService(known, JobStore(known.jobs_table, dynamodb()), presigner(), dependencies)


@cache
def health_check() -> HealthCheck:
    """The health check, with fail-fast clients."""
    brief = clients.FAIL_FAST_CONFIG
    return HealthCheck(
        settings(), clients.dynamodb(brief), clients.s3(brief), clients.sqs(brief), clients.sagemaker(brief)
    )


@cache
def statistics_service() -> StatisticsService:
    """The service of daily statistics."""
    return StatisticsService(ledger(), OpenJobs(settings().jobs_table, dynamodb()))


@cache
def service_status() -> ServiceStatusReader:
    """The reader of the service status, with fail-fast clients."""
    known, brief = settings(), clients.FAIL_FAST_CONFIG
    tables = clients.dynamodb(brief)
    reports = InstanceReports(Ledger(known.ledger_table, tables))
    return ServiceStatusReader(
        known, OpenJobs(known.jobs_table, tables), reports, clients.sqs(brief), clients.sagemaker(brief)
    )


@cache
def prompt_enhancer() -> PromptEnhancer:
    """The prompt enhancer; without a Bedrock model it uses rules only."""
    model = settings().bedrock_model
    return PromptEnhancer(
        rules.enhance, model, clients.bedrock_runtime(clients.LANGUAGE_MODEL_CONFIG) if model else None
    )

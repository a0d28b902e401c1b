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
from handlers.endpoint.available_engines import AvailableEngines
from handlers.endpoint.health import HealthCheck
from handlers.endpoint.service_status import ServiceStatusReader
from handlers.jobs.object_copies import ObjectCopier
from handlers.jobs.open_jobs import OpenJobs
from handlers.jobs.prefetch import Prefetch
from handlers.jobs.result_cache import ResultCache
from handlers.jobs.service import JobDependencies, JobService
from handlers.limits.budget import Budget
from handlers.limits.rate_limiter import RateLimiter
from handlers.limits.rates import configured_rates
from handlers.prompts import rules
from handlers.prompts.enhancement import PromptEnhancer
from handlers.settings.api import ApiSettings
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
    config = settings()
    return Presigner(s3(), config.bucket, get_seconds=config.result_seconds, post_seconds=config.upload_seconds)


@cache
def asset_service() -> AssetService:
    """The asset service."""
    config = settings()
    assets, jobs = AssetTable(config.assets_table, dynamodb()), JobTable(config.jobs_table, dynamodb())
    return AssetService(config, assets, jobs, presigner(), s3())


@cache
def rate_limiter() -> RateLimiter:
    """The rate limiter of all callers."""
    return RateLimiter(ledger(), configured_rates(settings().rate_limits))


@cache
def budget() -> Budget:
    """The daily budget of each caller."""
    config = settings()
    return Budget(ledger(), daily_usd=config.owner_daily_usd, prices=config.prices, lane_of=config.lane_of)


@cache
def result_cache() -> ResultCache:
    """The cache of earlier results."""
    return ResultCache(ledger(), cache_days=settings().cache_days)


@cache
def job_service() -> JobService:
    """The job service."""
    config = settings()
    store = JobStore(config.jobs_table, dynamodb())
    dependencies = JobDependencies(
        rate_limiter=rate_limiter(),
        budget=budget(),
        result_cache=result_cache(),
        prefetch=Prefetch(dynamodb(), store, result_cache(), rate_limiter()),
        library=asset_service(),
        copier=ObjectCopier(s3(), config.bucket),
        queue=JobQueue(clients.sqs(), config.queue_url),
    )
    return JobService(config, store, presigner(), dependencies)


@cache
def health_check() -> HealthCheck:
    """The health check, with fail-fast clients."""
    fail_fast = clients.FAIL_FAST_CONFIG
    return HealthCheck(
        settings(),
        clients.dynamodb(fail_fast),
        clients.s3(fail_fast),
        clients.sqs(fail_fast),
        clients.sagemaker(fail_fast),
        clients.functions(fail_fast),
    )


@cache
def available_engines() -> AvailableEngines:
    """The reader of the deployment's engines, with a fail-fast client."""
    return AvailableEngines(settings(), clients.sagemaker(clients.FAIL_FAST_CONFIG))


@cache
def statistics_service() -> StatisticsService:
    """The service of daily statistics."""
    return StatisticsService(ledger(), OpenJobs(settings().jobs_table, dynamodb()))


@cache
def service_status() -> ServiceStatusReader:
    """The reader of the service status, with fail-fast clients."""
    config, fail_fast = settings(), clients.FAIL_FAST_CONFIG
    tables = clients.dynamodb(fail_fast)
    reports = InstanceReports(Ledger(config.ledger_table, tables))
    return ServiceStatusReader(
        config,
        OpenJobs(config.jobs_table, tables),
        reports,
        clients.sqs(fail_fast),
        clients.sagemaker(fail_fast),
        clients.functions(fail_fast),
    )


@cache
def prompt_enhancer() -> PromptEnhancer:
    """The prompt enhancer; without a Bedrock model it uses rules only."""
    model = settings().bedrock_model
    return PromptEnhancer(
        rules.enhance, model, clients.bedrock_runtime(clients.LANGUAGE_MODEL_CONFIG) if model else None
    )

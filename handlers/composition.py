"""What the API's routes share, made once per process."""

from functools import cache

from handlers import clients
from handlers.assets import AssetTable
from handlers.desk import Desk
from handlers.health import HealthCheck
from handlers.library import Library
from handlers.settings import ApiSettings
from handlers.store import JobStore
from handlers.table import JobTable
from handlers.uploads import Presigner


@cache
def settings() -> ApiSettings:
    """The API's settings."""
    return ApiSettings.read()


@cache
def presigner() -> Presigner:
    """Signs forms and links."""
    known = settings()
    return Presigner(clients.s3(), known.bucket, get_seconds=known.result_seconds, post_seconds=known.upload_seconds)


@cache
def library() -> Library:
    """Where assets are kept."""
    known = settings()
    return Library(known, AssetTable(known.assets_table), JobTable(known.jobs_table), presigner(), clients.s3())


@cache
def desk() -> Desk:
    """Where jobs are asked for."""
    return Desk(settings(), JobStore(settings().jobs_table), presigner())


@cache
def health_check() -> HealthCheck:
    """Asks the parts how they are."""
    brief = clients.BRIEF
    return HealthCheck(
        settings(), clients.dynamodb(brief), clients.s3(brief), clients.sqs(brief), clients.sagemaker(brief)
    )

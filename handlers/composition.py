"""What the API's routes share, made once per process."""

from functools import cache

from handlers import clients
from handlers.desk import Desk
from handlers.health import HealthCheck
from handlers.settings import ApiSettings
from handlers.store import JobStore
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

"""Settings of the cpu lane's function: those of the worker, and where it announces outcomes."""

from pydantic import Field

from containers.worker.settings import Settings


class FunctionSettings(Settings):
    """Settings of the function. ``infra`` sets them as environment variables."""

    success_topic_arn: str = Field(description="SNS topic of outcomes; Lambda itself reports failures to the other.")
    cache_mb: int = Field(256, ge=0, description="Size of the stage cache; 0 disables it.")
    private_tmp: bool = Field(
        False, description="The folder of temporary files is the function's own, so that what a dead run left may go."
    )

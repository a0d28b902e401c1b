"""Cost of one job's control plane: the counted calls of its kind at list prices, without GPU, storage and transfer."""

from dataclasses import dataclass

from infra.costs.job_counts import JobCounts
from infra.costs.usage import read_usage
from infra.prices import Item, PriceTable


@dataclass(frozen=True)
class JobCost:
    """US dollars of one job, by service."""

    gateway: float
    functions: float
    messages: float
    s3: float
    dynamodb: float
    logs: float

    @property
    def total(self) -> float:
        """Return the sum."""
        return self.gateway + self.functions + self.messages + self.s3 + self.dynamodb + self.logs


def job_cost(counts: JobCounts, prices: PriceTable, *, memory: int) -> JobCost:
    """Return what a job with these counts costs, its functions having ``memory`` MB. X-Ray is off, as by default."""
    gigabyte_seconds = counts.function_runs * read_usage()["seconds"]["job"] * memory / 1024
    return JobCost(
        gateway=prices.cost(Item.HTTP_REQUEST, counts.http_requests)
        + prices.cost(Item.SOCKET_MESSAGE, counts.socket_messages)
        + prices.cost(Item.SOCKET_MINUTE, counts.socket_minutes),
        functions=prices.cost(Item.LAMBDA_REQUEST, counts.function_runs)
        + prices.cost(Item.LAMBDA_GB_SECOND, gigabyte_seconds),
        messages=prices.cost(Item.SQS_REQUEST, counts.sqs_requests)
        + prices.cost(Item.SNS_PUBLISH, counts.sns_publishes)
        + prices.cost(Item.EVENT, counts.events),
        s3=prices.cost(Item.S3_WRITE, counts.s3_writes) + prices.cost(Item.S3_READ, counts.s3_reads),
        dynamodb=prices.cost(Item.DYNAMODB_READ, counts.dynamodb_reads)
        + prices.cost(Item.DYNAMODB_WRITE, counts.dynamodb_writes),
        logs=prices.cost(Item.LOG_INGESTION, counts.log_bytes) + prices.cost(Item.LOG_STORAGE, counts.log_bytes),
    )

"""Price table: AWS's list prices of one region on one date, with the source of each."""

import tomllib
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

PATH = Path(__file__).with_name("prices.toml")


class Item(StrEnum):
    """Things that AWS charges for, as named in the table."""

    ALARM = "alarm"
    CUSTOM_METRIC = "custom_metric"
    LOG_INGESTION = "log_ingestion"
    LOG_STORAGE = "log_storage"
    LAMBDA_REQUEST = "lambda_request"
    LAMBDA_GB_SECOND = "lambda_gb_second"
    LAMBDA_GB_SECOND_X86 = "lambda_gb_second_x86"
    DYNAMODB_READ = "dynamodb_read"
    DYNAMODB_WRITE = "dynamodb_write"
    SQS_REQUEST = "sqs_request"
    SNS_PUBLISH = "sns_publish"
    EVENT = "event"
    HTTP_REQUEST = "http_request"
    SOCKET_MESSAGE = "socket_message"
    SOCKET_MINUTE = "socket_minute"
    S3_WRITE = "s3_write"
    S3_READ = "s3_read"
    S3_STORAGE = "s3_storage"
    IMAGE_STORAGE = "image_storage"
    DYNAMODB_STORAGE = "dynamodb_storage"
    DYNAMODB_RECOVERY = "dynamodb_recovery"
    TRACE = "trace"


class Price(BaseModel):
    """Price of ``per`` units, and where it was confirmed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd: float = Field(ge=0)
    per: int = Field(ge=1)
    unit: str
    source: str


class PriceTable(BaseModel):
    """Prices of a region on a date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str
    date: date
    prices: dict[Item, Price]

    @classmethod
    def read(cls, path: Path = PATH) -> "PriceTable":
        """Read a table. Raises ``ValueError`` for one that lacks a price or has an unknown one."""
        table = cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        missing = set(Item) - table.prices.keys()
        if missing:
            raise ValueError(f"{path.name} has no price of {', '.join(sorted(missing))}")
        return table

    def cost(self, item: Item, count: float) -> float:
        """Return what ``count`` units cost, in US dollars."""
        price = self.prices[item]
        return count * price.usd / price.per


def lambda_item(architecture: str) -> Item:
    """Return the item of a GB-second of Lambda on an architecture."""
    return Item.LAMBDA_GB_SECOND if architecture == "arm64" else Item.LAMBDA_GB_SECOND_X86


@cache
def lambda_price(architecture: str) -> float:
    """Return the price of a GB-second of Lambda on an architecture, in US dollars.

    >>> lambda_price("arm64") < lambda_price("x86_64")
    True
    """
    return PriceTable.read().cost(lambda_item(architecture), 1)

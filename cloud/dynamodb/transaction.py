"""Transactions of DynamoDB: several writes, all or none, repeated while another transaction writes the same items."""

import random
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONFLICT_TRIES = 8
CONFLICT_SECONDS = 0.02  # the first pause; it doubles
# Cancellation reasons of a transaction that no retry can fix.
IMPOSSIBLE = frozenset({"ValidationError", "ItemCollectionSizeLimitExceeded"})

# One write of a transaction: the operation's name, such as ``Put``, and its arguments.
TransactionItem = Mapping[str, Mapping[str, Any]]


class ConditionFailed(Exception):
    """Raised when conditions of a transaction did not hold; nothing was written.

    ``positions`` are the places of those writes among all.
    """

    def __init__(self, positions: Collection[int]) -> None:
        super().__init__(f"condition failed of write {', '.join(map(str, sorted(positions)))}")
        self.positions = frozenset(positions)


class PermanentWriteError(Exception):
    """Raised when a transaction can never succeed; nothing was written."""


def write_transaction(client: "DynamoDBClient", items: Sequence[TransactionItem]) -> None:
    """Apply all writes or none.

    Raises ``ConditionFailed`` when a condition did not hold, ``PermanentWriteError`` when no retry can succeed (for
    example, an item would exceed DynamoDB's size limit). Retries conflicts with backoff.
    """
    writes: Any = list(items)
    for attempt in range(CONFLICT_TRIES):
        try:
            client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
            if "ConditionalCheckFailed" in reasons:
                failed = {place for place, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"}
                raise ConditionFailed(failed) from error
            if IMPOSSIBLE & set(reasons) or error.response["Error"]["Code"] == "ValidationException":
                raise PermanentWriteError(str(error)) from error
            if "TransactionConflict" not in reasons or attempt == CONFLICT_TRIES - 1:
                raise
            pause(attempt)
        else:
            return


def put_together(client: "DynamoDBClient", put: Mapping[str, Any], others: Sequence[TransactionItem]) -> None:
    """Put an item in one transaction with other writes, or alone, which costs half. Raises as ``write_transaction``.

    The item's position is 0.
    """
    if others:
        write_transaction(client, [{"Put": put}, *others])
        return
    try:
        client.put_item(**put)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            raise ConditionFailed({0}) from error
        raise


def pause(attempt: int) -> None:
    """Wait before the next try, twice as long each time."""
    time.sleep(CONFLICT_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - not a secret

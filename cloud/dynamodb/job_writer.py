"""Job writer: conditional updates of one row of the jobs table."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cloud.dynamodb.conditional_update import ConditionalUpdate
from cloud.dynamodb.job_record import JobRecord, timestamp
from cloud.dynamodb.job_table import JobTable
from darkroom.contract.jobs import State


class JobWriter(JobTable):
    """The jobs table with conditional updates. They return None if their condition does not hold."""

    @staticmethod
    def _conditional_update(states: Collection[State], attempt: int | None = None) -> ConditionalUpdate:
        """Return an update conditional on ``states`` and, if given, ``attempt``."""
        update = ConditionalUpdate()
        update.require_one_of("state", states)
        if attempt is not None:
            update.require("attempt", "=", attempt)
        return update

    def _apply(self, job_id: str, update: ConditionalUpdate) -> JobRecord | None:
        """Write a change of the public job."""
        return self._write(job_id, _public_change(update))

    def _apply_or_read(self, job_id: str, update: ConditionalUpdate) -> tuple[JobRecord | None, bool]:
        """Write a change of the public job; return the job, and True if the condition held.

        A refused write answers with the job as it is, which saves the read. It is None if it does not exist.
        """
        item, written = self._update_item(job_id, _public_change(update))
        return (None if item is None else JobRecord.from_item(item)), written

    def _end(self, job_id: str, update: ConditionalUpdate) -> JobRecord | None:
        """Write the last change, and remove the job from the index of due jobs."""
        update.remove(["due_shard", "due_at", "preview"])
        return self._apply(job_id, update)

    def _write(self, job_id: str, update: ConditionalUpdate) -> JobRecord | None:
        """Write a change."""
        item, written = self._update_item(job_id, update)
        return JobRecord.from_item(item) if item is not None and written else None

    def _update_item(self, job_id: str, update: ConditionalUpdate) -> tuple[Any, bool]:
        """Return the new item and True; or the item as it is, None without one, and False."""
        try:
            response = self._client.update_item(
                TableName=self._table,
                Key=self._key(job_id),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **update.arguments(),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return error.response.get("Item"), False
            raise
        return response["Attributes"], True


def _public_change(update: ConditionalUpdate) -> ConditionalUpdate:
    """Add what every change of the public job changes."""
    update.set({"updated_at": timestamp(datetime.now(UTC))})
    update.add("seq", 1)
    return update

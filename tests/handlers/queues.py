"""The queue of jobs and its dead letters, with what was sent to them."""

import json
from dataclasses import dataclass
from typing import Any

from mypy_boto3_sqs import SQSClient

from cloud.job_queue import JobQueue


@dataclass
class Queues:
    """The queue of jobs and the dead letters, and what has been sent to them."""

    client: SQSClient
    url: str
    dead_letter_url: str

    def queue(self) -> JobQueue:
        return JobQueue(self.client, self.url, self.dead_letter_url)

    def sent(self) -> list[tuple[str, int]]:
        """(job, attempt) of each message since last asked, whatever its delay."""
        return [(body["job_id"], body["attempt"]) for body in self._take(self.url)]

    def buried(self) -> list[str]:
        """The jobs reported to the operator since last asked."""
        return [body["job_id"] for body in self._take(self.dead_letter_url)]

    def _take(self, url: str) -> list[dict[str, Any]]:
        taken = []
        while messages := self.client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken.append(json.loads(message["Body"]))
        return taken

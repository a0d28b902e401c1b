"""The jobs queue and the dead-letter queue, and their messages."""

import json
from dataclasses import dataclass
from typing import Any

from mypy_boto3_sqs import SQSClient

from cloud.job_queue import JobQueue


@dataclass
class Queues:
    """The jobs queue and the dead-letter queue, and their messages."""

    client: SQSClient
    url: str
    dead_letter_url: str

    def queue(self) -> JobQueue:
        return JobQueue(self.client, self.url, self.dead_letter_url)

    def sent(self) -> list[tuple[str, int]]:
        """Receive the messages of the jobs queue; return (job, attempt) of each, whatever its delay."""
        return [(body["job_id"], body["attempt"]) for body in self._receive_all(self.url)]

    def dead_letters(self) -> list[str]:
        """Receive the messages of the dead-letter queue; return their jobs."""
        return [body["job_id"] for body in self._receive_all(self.dead_letter_url)]

    def unreadable(self) -> list[str]:
        """Receive the messages of the dead-letter queue that hold a notice; return the notices."""
        return [body["notice"] for body in self._receive_all(self.dead_letter_url)]

    def _receive_all(self, url: str) -> list[dict[str, Any]]:
        received = []
        while messages := self.client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self.client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                received.append(json.loads(message["Body"]))
        return received

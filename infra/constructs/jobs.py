"""Tables of jobs and of the endpoint's state, and the queues between functions."""

from aws_cdk import Duration
from aws_cdk.aws_dynamodb import ProjectionType, StreamViewType
from aws_cdk.aws_sqs import DeadLetterQueue, Queue, QueueEncryption
from constructs import Construct

from infra.config import Config
from infra.constructs.tables import make_table, number_key, text_key

BY_OWNER = "by_owner"
BY_CONNECTION = "by_connection"
DUE = "due"


class Jobs(Construct):
    """Tables ``table`` and ``sockets``, and queues ``uploads``, ``queue`` and ``dead_letters``."""

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        self.table = make_table(self, "Table", "job_id", destroy=config.destroy, stream=StreamViewType.NEW_IMAGE)
        self.table.add_global_secondary_index(
            index_name=BY_OWNER,
            partition_key=text_key("owner"),
            sort_key=text_key("created_at"),
            # Only attributes that listings filter by: progress updates then do not write to the index.
            projection_type=ProjectionType.INCLUDE,
            non_key_attributes=["state", "kind"],
        )
        # Sparse: a job that has ended has no due time. So sweep and the counts of open jobs read only open ones.
        self.table.add_global_secondary_index(
            index_name=DUE,
            partition_key=text_key("due_shard"),
            sort_key=number_key("due_at"),
            projection_type=ProjectionType.INCLUDE,
            non_key_attributes=["state", "kind"],
        )
        # Cold starts, GPU spend and endpoint history. Versions up to 0.2 had WebSocket subscriptions here. Its
        # indexes are empty now, and cost nothing; they stay, so that going back works.
        self.sockets = make_table(self, "Sockets", "pk", "sk", destroy=True)
        self.sockets.add_global_secondary_index(
            index_name=BY_CONNECTION,
            partition_key=text_key("connection_id"),
            projection_type=ProjectionType.KEYS_ONLY,
        )
        self.sockets.add_global_secondary_index(
            index_name=DUE,
            partition_key=text_key("due_shard"),
            sort_key=number_key("due_at"),
            projection_type=ProjectionType.KEYS_ONLY,
        )
        secure = not config.local  # the emulator serves plain HTTP on the loopback interface
        self.dead_letters = Queue(
            self,
            "DeadLetters",
            encryption=QueueEncryption.SQS_MANAGED,
            enforce_ssl=secure,
            retention_period=Duration.days(14),
        )
        self.queue = self._queue("Queue", secure=secure)
        self.uploads = self._queue("Uploads", secure=secure)

    def _queue(self, name: str, *, secure: bool) -> Queue:
        return Queue(
            self,
            name,
            encryption=QueueEncryption.SQS_MANAGED,
            enforce_ssl=secure,
            visibility_timeout=Duration.seconds(90),  # six times the functions' timeout, as Lambda asks for
            dead_letter_queue=DeadLetterQueue(queue=self.dead_letters, max_receive_count=5),
        )

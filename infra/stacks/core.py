"""Core stack: everything but the GPU. It costs next to nothing when idle; the emulator runs all of it."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from cloud.lane import PreviewOn
from infra.config import Config
from infra.constructs.alarms import Alarms
from infra.constructs.api import Api
from infra.constructs.api_urls import ApiUrls
from infra.constructs.assets import Assets
from infra.constructs.cpu_lane import CpuLane
from infra.constructs.functions import Functions
from infra.constructs.identity import Identity
from infra.constructs.job_ended import JobEnded
from infra.constructs.job_processing import JobProcessing
from infra.constructs.jobs import Jobs
from infra.constructs.ledger import Ledger
from infra.constructs.storage import Storage
from infra.constructs.websocket import WebSocket
from infra.constructs.worker_resources import WorkerResources
from infra.names import function_output


class CoreStack(Stack):
    """Core stack of Darkroom: API, WebSocket, queues, tables, functions and alarms."""

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(
            scope, id, stack_name=config.stack_name, description="Darkroom: API, queues, tables and functions"
        )
        self.addresses = ApiUrls(self, "Addresses", config=config)
        self.storage = Storage(self, "Storage", config=config)
        self.jobs = Jobs(self, "Jobs", config=config)
        self.ledger = Ledger(self, "Ledger", config=config)
        self.assets = Assets(self, "Library", config=config)
        self.identity = Identity(self, "Identity", config=config, addresses=self.addresses)
        self.functions = Functions(self, "Functions", config=config)
        self.worker = WorkerResources(
            self, "Container", config=config, storage=self.storage, jobs=self.jobs, ledger=self.ledger
        )
        self.cpu_lane = (
            CpuLane(
                self,
                "Previews",
                config=config,
                functions=self.functions,
                storage=self.storage,
                jobs=self.jobs,
                ledger=self.ledger,
                worker=self.worker,
            )
            if config.preview_on is PreviewOn.LAMBDA
            else None
        )
        self.websocket = WebSocket(
            self,
            "Socket",
            config=config,
            functions=self.functions,
            storage=self.storage,
            jobs=self.jobs,
            identity=self.identity,
            addresses=self.addresses,
        )
        self.processing = JobProcessing(
            self,
            "Events",
            config=config,
            functions=self.functions,
            storage=self.storage,
            jobs=self.jobs,
            container=self.worker,
            ledger=self.ledger,
            library=self.assets,
            cpu_lane=self.cpu_lane,
        )
        self.job_ended = JobEnded(
            self,
            "Ended",
            config=config,
            functions=self.functions,
            jobs=self.jobs,
            ledger=self.ledger,
            storage=self.storage,
        )
        self.api = Api(
            self,
            "Api",
            config=config,
            functions=self.functions,
            storage=self.storage,
            jobs=self.jobs,
            identity=self.identity,
            addresses=self.addresses,
            ledger=self.ledger,
            library=self.assets,
            socket_url=self.websocket.url,
            cpu_lane=self.cpu_lane,
        )
        self.alarms = Alarms(
            self,
            "Alarms",
            config=config,
            jobs=self.jobs,
            functions=self.functions.created,
            push=self.websocket.push,
            ended=self.job_ended.function,
            cpu_lane=self.cpu_lane,
        )
        self._outputs()

    def _outputs(self) -> None:
        outputs = {
            "ApiUrl": self.api.url,
            "ApiId": self.api.api.api_id,
            "SocketUrl": self.websocket.url,
            "Issuer": self.identity.issuer,
            "ClientId": self.identity.client_id,
            "Bucket": self.storage.bucket.bucket_name,
            "JobsTable": self.jobs.table.table_name,
            "SocketsTable": self.jobs.sockets.table_name,
            "LedgerTable": self.ledger.table.table_name,
            "AssetsTable": self.assets.table.table_name,
            "EventBus": self.job_ended.bus.event_bus_name,
            "QueueUrl": self.jobs.queue.queue_url,
            "UploadsQueueUrl": self.jobs.uploads.queue_url,
            "DeadLettersUrl": self.jobs.dead_letters.queue_url,
            "SuccessTopic": self.worker.success.topic_arn,
            "ErrorTopic": self.worker.error.topic_arn,
            "AlarmsTopic": self.alarms.topic.topic_arn,
            "ContainerRole": self.worker.role.role_arn,
        }
        if self.identity.pool:
            outputs["PoolId"] = self.identity.pool.user_pool_id
        for function in self.functions.created:
            outputs[function_output(function.node.id)] = function.function_name
        for key, value in outputs.items():
            CfnOutput(self, key, value=value)

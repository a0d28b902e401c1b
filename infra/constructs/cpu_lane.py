"""Cpu lane: the Lambda function of the preview engine, from a container image; on the emulator, from the checkout."""

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk.aws_ecr import Repository
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_lambda import (
    Architecture,
    Code,
    EcrImageCode,
    Function,
    Handler,
    LoggingFormat,
    RecursiveLoop,
    Runtime,
    Tracing,
)
from aws_cdk.aws_logs import LogGroup
from constructs import Construct

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from darkroom.contract.video_params import MAX_VIDEO_SECONDS
from handlers.limits.work_limit import longest_video_seconds
from infra.bundling import lane_code
from infra.bundling.functions import ROOT
from infra.config import Config
from infra.constructs.container_image import container_image, image_in_ecr
from infra.constructs.event_sources import FailedInvocations
from infra.constructs.functions import RETENTION, Functions, allow
from infra.constructs.jobs import Jobs
from infra.constructs.ledger import Ledger
from infra.constructs.nag_findings import acknowledge
from infra.constructs.storage import Storage
from infra.constructs.worker_resources import WorkerResources, worker_statements
from infra.names import CPU_FUNCTION, INVOCATIONS, OUTCOMES

DOCKERFILE = "containers/cpu/Dockerfile"
HANDLER = "containers.cpu.function.handler"
# Pictures, sound and clips of a video job; the first 512 MB are free, the others cost next to nothing.
STORAGE_MB = 2048
# Jobs at once on this machine, each in a process of its own (infra.local.access.event_queue).
LOCAL_CONCURRENCY = 2


class CpuLane(Construct):
    """``function`` takes invocations as events, one attempt each. Lambda reports those that fail to the error topic."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's own name
        *,
        config: Config,
        functions: Functions,
        storage: Storage,
        jobs: Jobs,
        ledger: Ledger,
        worker: WorkerResources,
    ) -> None:
        super().__init__(scope, id)
        self._config = config
        logs = LogGroup(
            self,
            f"{CPU_FUNCTION}-logs",
            retention=RETENTION[config.log_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = Role(self, f"{CPU_FUNCTION}-role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        for statement in (
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logs.log_group_arn]),
            *worker_statements(config=config, storage=storage, jobs=jobs, ledger=ledger),
            allow(["s3:GetObject"], [storage.arn(INVOCATIONS)]),
            allow(["s3:PutObject"], [storage.arn(OUTCOMES)]),
            allow(["sns:Publish"], [worker.success.topic_arn]),
        ):
            role.add_to_policy(statement)
        runtime, handler, code = self._code()
        self.function = Function(
            self,
            CPU_FUNCTION,
            runtime=runtime,
            handler=handler,
            code=code,
            architecture=Architecture.ARM_64 if config.cpu_architecture == "arm64" else Architecture.X86_64,
            role=role,
            log_group=logs,
            logging_format=LoggingFormat.JSON,
            tracing=Tracing.ACTIVE if config.tracing else Tracing.DISABLED,
            memory_size=config.cpu_memory_mb,
            timeout=Duration.seconds(config.cpu_timeout_seconds),
            ephemeral_storage_size=Size.mebibytes(STORAGE_MB),
            reserved_concurrent_executions=config.cpu_concurrency,
            # A failed attempt comes back by topic, finished, queue and dispatch: Lambda would take that for a loop.
            recursive_loop=RecursiveLoop.ALLOW,
            environment={
                "JOBS_TABLE": jobs.table.table_name,
                "LEDGER_TABLE": ledger.table.table_name,
                "BUCKET": storage.bucket.bucket_name,
                "SUCCESS_TOPIC_ARN": worker.success.topic_arn,
                "LOG_LEVEL": config.log_level,
                "SPEECH": config.speech,
                "MAX_VIDEO_SECONDS": f"{self._max_video_seconds():g}",
                **self._place(),
            },
        )
        # An attempt is repeated by the retry policy, which counts it, and not by Lambda.
        self.function.configure_async_invoke(
            retry_attempts=0,
            max_event_age=Duration.seconds(config.cpu_event_seconds),
            on_failure=FailedInvocations(worker.error),
        )
        acknowledge(
            role,
            "AwsSolutions-IAM5[Resource::*]",
            reason="X-Ray's two write actions and Polly's know no resource.",
        )
        acknowledge(
            self.function,
            "AwsSolutions-L1",
            reason="Functions and container run one Python, 3.13, which is maintained until October 2029.",
        )
        functions.created.append(self.function)

    def _max_video_seconds(self) -> float:
        """Return the length of the longest video that the function makes in its time."""
        longest = longest_video_seconds(Kind.RENDER_SCENES, Engine.PREVIEW, self._config.cpu_seconds)
        return min(MAX_VIDEO_SECONDS, longest)

    def _code(self) -> tuple[Runtime, str, Code]:
        """Return runtime, handler and code: the emulator cannot run images."""
        if self._config.local:
            code = Code.from_asset(str(lane_code.build_stand_in()))
            return Runtime.PYTHON_3_13, HANDLER, code
        return Runtime.FROM_IMAGE, Handler.FROM_IMAGE, self._image()

    def _place(self) -> dict[str, str]:
        """Return the settings that differ between the cloud and this machine."""
        if self._config.local:
            return {"PYTHONPATH": str(ROOT), "LOCAL_CONCURRENCY": str(LOCAL_CONCURRENCY)}
        return {"PRIVATE_TMP": "true"}

    def _image(self) -> EcrImageCode:
        """Return the image of the context, or the one that is built at the deployment."""
        config = self._config
        if config.cpu_image is None:
            platform = "linux/arm64" if config.cpu_architecture == "arm64" else "linux/amd64"
            asset = container_image(self, "Image", DOCKERFILE, platform=platform)
            return Code.from_ecr_image(asset.repository, tag_or_digest=asset.image_tag)
        match, arn = image_in_ecr(self, "cpu_image", config.cpu_image)
        repository = Repository.from_repository_attributes(
            self, "Repository", repository_name=match["name"], repository_arn=arn
        )
        return Code.from_ecr_image(repository, tag_or_digest=match["reference"])

"""Worker resources of the core stack: the container's least-privilege role, and the topics of its outcomes.

They are not in the GPU stack because the local stand-in of the endpoint uses them, too.
"""

from collections.abc import Iterator

from aws_cdk import ArnFormat, Stack
from aws_cdk.aws_iam import (
    AccountRootPrincipal,
    CompositePrincipal,
    IPrincipal,
    PolicyStatement,
    Role,
    ServicePrincipal,
)
from aws_cdk.aws_sns import Topic
from constructs import Construct

from cloud.instance_reports import ENGINES, INSTANCES
from infra.config import Config
from infra.constructs.functions import allow, allow_rows
from infra.constructs.jobs import Jobs
from infra.constructs.ledger import Ledger
from infra.constructs.nag_findings import acknowledge
from infra.constructs.storage import Storage
from infra.names import INTERMEDIATES, INVOCATIONS, OUTCOMES, PREVIEWS, RESULTS, UPLOADS


class WorkerResources(Construct):
    """``role`` of the container, and topics ``success`` and ``error``."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's own name
        *,
        config: Config,
        storage: Storage,
        jobs: Jobs,
        ledger: Ledger,
    ) -> None:
        super().__init__(scope, id)
        self.success = Topic(self, "Success", enforce_ssl=not config.local)
        self.error = Topic(self, "Error", enforce_ssl=not config.local)
        principals: list[IPrincipal] = [ServicePrincipal("sagemaker.amazonaws.com")]
        if config.local:  # the stand-in assumes the role as a principal of the account
            principals.append(AccountRootPrincipal())
        self.role = Role(self, "Role", assumed_by=CompositePrincipal(*principals))
        logs = Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name="/aws/sagemaker/Endpoints/*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for statement in (
            *worker_statements(config=config, storage=storage, jobs=jobs, ledger=ledger, reports=True),
            # SageMaker uses the role to read an input that is too large for the call, write the output and publish the
            # notification.
            allow(["s3:GetObject"], [storage.arn(INVOCATIONS)]),
            allow(["s3:PutObject", "s3:AbortMultipartUpload"], [storage.arn(OUTCOMES)]),
            allow(["sns:Publish"], [self.success.topic_arn, self.error.topic_arn]),
            allow(
                ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], [logs]
            ),
            allow(["cloudwatch:PutMetricData"], ["*"]),
        ):
            self.role.add_to_policy(statement)
        acknowledge(
            self.role,
            "AwsSolutions-IAM5[Resource::*]",
            reason="Two actions know no resource: PutMetricData, which SageMaker documents for this role, and Polly's.",
        )
        acknowledge(
            self.role,
            "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:"
            "/aws/sagemaker/Endpoints/*]",
            reason="SageMaker names the endpoint's log group and streams.",
        )


def worker_statements(
    *, config: Config, storage: Storage, jobs: Jobs, ledger: Ledger, reports: bool = False
) -> Iterator[PolicyStatement]:
    """Yield the rights of a worker, on every lane. ``reports``: it also reports the state of its instance."""
    rows = [ENGINES, INSTANCES] if reports else [ENGINES]
    yield allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], [jobs.table.table_arn])
    yield allow_rows(["dynamodb:PutItem"], ledger.table.table_arn, rows, config=config)
    yield allow(["s3:GetObject"], [storage.arn(UPLOADS)])
    yield storage.allow_list_bucket()
    yield allow(
        ["s3:PutObject", "s3:DeleteObject"],
        [storage.arn(prefix) for prefix in (RESULTS, PREVIEWS, INTERMEDIATES)],
    )
    yield allow(["s3:GetObject"], [storage.arn(INTERMEDIATES)])
    if config.speech == "polly":
        yield allow(["polly:SynthesizeSpeech"], ["*"])

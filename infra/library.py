"""The library: callers' assets, which outlive the jobs that made or used them."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_dynamodb import BillingMode, PointInTimeRecoverySpecification, ProjectionType, Table
from constructs import Construct

from infra.config import Config
from infra.jobs import BY_OWNER, EXPIRES_AT, text_key


class Library(Construct):
    """The table of assets; their pictures lie in the bucket under ``assets/``, which nothing expires."""

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        self.table = Table(
            self,
            "Table",
            partition_key=text_key("asset_id"),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            # Only of assets whose picture never came.
            time_to_live_attribute=EXPIRES_AT,
            removal_policy=RemovalPolicy.DESTROY if config.destroy else RemovalPolicy.RETAIN,
        )
        self.table.add_global_secondary_index(
            index_name=BY_OWNER,
            partition_key=text_key("owner"),
            sort_key=text_key("created_at"),
            projection_type=ProjectionType.ALL,
        )

"""The ledger: what is counted and remembered beside the jobs, in rows that a time to live removes."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_dynamodb import BillingMode, PointInTimeRecoverySpecification, Table
from constructs import Construct

from infra.config import Config
from infra.jobs import EXPIRES_AT, text_key


class Ledger(Construct):
    """Rate limits, budgets, the result cache, the day's statistics, and what instances report of themselves."""

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        self.table = Table(
            self,
            "Table",
            partition_key=text_key("pk"),
            sort_key=text_key("sk"),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            time_to_live_attribute=EXPIRES_AT,
            removal_policy=RemovalPolicy.DESTROY if config.destroy else RemovalPolicy.RETAIN,
        )

"""Factory of DynamoDB tables: on-demand billing, point-in-time recovery and a TTL."""

from aws_cdk.aws_dynamodb import (
    Attribute,
    AttributeType,
    BillingMode,
    PointInTimeRecoverySpecification,
    StreamViewType,
    Table,
)
from constructs import Construct

from infra.constructs.functions import removal_policy

EXPIRES_AT = "expires_at"


def text_key(name: str) -> Attribute:
    """Return a key attribute of type string."""
    return Attribute(name=name, type=AttributeType.STRING)


def number_key(name: str) -> Attribute:
    """Return a key attribute of type number."""
    return Attribute(name=name, type=AttributeType.NUMBER)


def make_table(scope: Construct, name: str, *keys: str, destroy: bool, stream: StreamViewType | None = None) -> Table:
    """Create a table in ``scope``; ``keys`` are the partition key and optionally the sort key, both strings.

    The TTL attribute is ``expires_at`` (epoch seconds). ``destroy`` deletes the table with the stack.
    """
    partition, *sort = keys
    return Table(
        scope,
        name,
        partition_key=text_key(partition),
        sort_key=text_key(sort[0]) if sort else None,
        billing_mode=BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
        stream=stream,
        time_to_live_attribute=EXPIRES_AT,
        removal_policy=removal_policy(destroy=destroy),
    )

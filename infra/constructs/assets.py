"""Assets table of the callers' libraries."""

from aws_cdk.aws_dynamodb import ProjectionType
from constructs import Construct

from infra.config import Config
from infra.constructs.jobs import BY_OWNER
from infra.constructs.tables import make_table, text_key


class Assets(Construct):
    """Assets table; the pictures are in the bucket under ``assets/``, which has no lifecycle rule."""

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        # Only assets without an uploaded picture have a TTL.
        self.table = make_table(self, "Table", "asset_id", destroy=config.destroy)
        self.table.add_global_secondary_index(
            index_name=BY_OWNER,
            partition_key=text_key("owner"),
            sort_key=text_key("created_at"),
            projection_type=ProjectionType.ALL,
        )

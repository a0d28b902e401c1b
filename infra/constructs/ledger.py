"""Ledger table: counters and cached values beside the jobs, with a TTL."""

from constructs import Construct

from infra.config import Config
from infra.constructs.tables import make_table


class Ledger(Construct):
    """Table of rate limits, budgets, cached results, daily statistics and instance reports."""

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        self.table = make_table(self, "Table", "pk", "sk", destroy=config.destroy)

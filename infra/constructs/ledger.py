"""The ledger: what is counted and remembered beside the jobs, in rows that a time to live removes."""

from constructs import Construct

from infra.config import Config
from infra.constructs.tables import make_table


class Ledger(Construct):
    """Rate limits, budgets, the result cache, the day's statistics, and what instances report of themselves."""

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        self.table = make_table(self, "Table", "pk", "sk", destroy=config.destroy)

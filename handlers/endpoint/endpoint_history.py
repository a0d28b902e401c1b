"""Endpoint history: the name of a deployment's endpoint, and of those before it that may still have jobs.

Another instance type is another endpoint. The earlier one is deleted minutes after the functions know the new name.
"""

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from cloud.dynamodb.versioned_item import VersionedItem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def partition(deployment: str) -> str:
    """Return the partition key of a deployment's endpoint history in the sockets table.

    >>> partition("darkroom-main")
    'endpoints#darkroom-main'
    """
    return f"endpoints#{deployment}"


class EndpointHistory(BaseModel):
    """Names of a deployment's endpoints. ``version`` grows with every change; 0 is not stored yet."""

    model_config = ConfigDict(frozen=True)

    version: int = 0
    current: str
    former: tuple[str, ...] = ()

    def with_current(self, name: str) -> "EndpointHistory":
        """Return a copy with another current endpoint."""
        former = tuple(each for each in (*self.former, self.current) if each != name)
        return EndpointHistory(version=self.version + 1, current=name, former=former)

    def without(self, name: str) -> "EndpointHistory":
        """Return a copy without a former endpoint."""
        former = tuple(each for each in self.former if each != name)
        return EndpointHistory(version=self.version + 1, current=self.current, former=former)


class EndpointHistoryStore:
    """Store of a deployment's ``EndpointHistory`` in one item."""

    def __init__(self, table: str, deployment: str, client: "DynamoDBClient") -> None:
        self._deployment = deployment
        self._item = VersionedItem(table, partition(deployment), "names", client, version="version")

    def get(self) -> EndpointHistory:
        """Return the history (a consistent read). Before 0.3, endpoints had the deployment's name."""
        values = self._item.get()
        return EndpointHistory(current=self._deployment) if values is None else EndpointHistory.model_validate(values)

    def replace(self, old: EndpointHistory, new: EndpointHistory) -> bool:
        """Write ``new`` unless the item changed since ``old`` was read; return True if it was written."""
        return self._item.replace(old.version or None, new.model_dump(mode="json"))

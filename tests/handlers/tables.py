"""DynamoDB tables with given keys and indexes."""

from typing import Any

from cloud import clients


def _keys(partition: str, sort: str | None) -> list[dict[str, str]]:
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys if sort is None else [*keys, {"AttributeName": sort, "KeyType": "RANGE"}]


def global_index(name: str, partition: str, sort: str | None, projection: str, *others: str) -> dict[str, Any]:
    projected: dict[str, Any] = {"ProjectionType": projection, **({"NonKeyAttributes": others} if others else {})}
    return {"IndexName": name, "KeySchema": _keys(partition, sort), "Projection": projected}


def create_table(name: str, partition: str, sort: str | None = None, *, numbers: str = "", indexes: Any = ()) -> Any:
    """Create a table, with text keys except those in ``numbers``; return its client."""
    keys = [_keys(partition, sort), *(index["KeySchema"] for index in indexes)]
    names = dict.fromkeys(key["AttributeName"] for schema in keys for key in schema)
    client: Any = clients.dynamodb()
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=keys[0],
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": "N" if each in numbers.split() else "S"} for each in names
        ],
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )
    return client

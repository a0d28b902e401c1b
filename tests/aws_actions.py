"""IAM actions of AWS calls: what a role must be allowed, and on which resource, for an operation of botocore.

The actions are those of AWS's Service Authorization Reference. Most have the operation's name; ``_ACTIONS`` has the
others. Resources are named by their purpose: ``table/jobs``, ``table/ledger/budget#`` (a kind of rows),
``bucket/uploads/*``, ``queue/dead_letters``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Params = Mapping[str, Any]
# An IAM action, and the resource that it is needed on.
Right = tuple[str, str]

_SERVICES = {
    "apigatewaymanagementapi": "execute-api",
    "bedrock-runtime": "bedrock",
    "sagemaker-runtime": "sagemaker",
}
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "bedrock:Converse": "bedrock:InvokeModel",
    "execute-api:DeleteConnection": "execute-api:ManageConnections",
    "execute-api:GetConnection": "execute-api:ManageConnections",
    "execute-api:PostToConnection": "execute-api:ManageConnections",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "s3:UploadPart": "s3:PutObject",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
_CONNECTION_METHODS = {"PostToConnection": "POST", "DeleteConnection": "DELETE", "GetConnection": "GET"}
_TRANSACTIONS = {
    "ConditionCheck": "ConditionCheckItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
}
# Environment variables with a queue's URL, and the queue's purpose.
_QUEUES = {"QUEUE_URL": "jobs", "DEAD_LETTER_QUEUE_URL": "dead_letters"}
# Of a row's partition key, what a policy can name: a word, or what stands before the first #.
_PARTITION = re.compile(r"[a-z_]{3,15}(?:$|#)")


def required_rights(service: str, operation: str, params: Params, environment: Mapping[str, str]) -> Iterator[Right]:
    """Yield the rights that a call requires. ``environment`` is the caller's: it names queues and the endpoint.

    Raises ``LookupError`` for a service that has no rule here.
    """
    prefix = _SERVICES.get(service, service)
    action = _ACTIONS.get(f"{prefix}:{operation}", f"{prefix}:{operation}")
    if prefix == "sagemaker":
        yield action, f"endpoint/{_endpoint(params['EndpointName'], environment)}"
    elif prefix == "execute-api":
        yield action, f"connections/{_CONNECTION_METHODS[operation]}"
    elif prefix == "sqs":
        yield action, f"queue/{_queue(params['QueueUrl'], environment)}"
    elif prefix in _RULES:
        yield from _RULES[prefix](operation, action, params)
    else:
        raise LookupError(f"there is no rule for {service}")


def _dynamodb(operation: str, action: str, params: Params) -> Iterator[Right]:
    if operation in ("TransactWriteItems", "TransactGetItems"):
        for item in params["TransactItems"]:
            ((kind, request),) = item.items()
            yield f"dynamodb:{_TRANSACTIONS[kind]}", _row(request)
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table in params["RequestItems"]:
            yield action, f"table/{table}"
    elif "IndexName" in params:
        yield action, f"table/{params['TableName']}/index/{params['IndexName']}"
    else:
        yield action, _row(params)


def _row(request: Params) -> str:
    """Return the table of a request, with the kind of its row if the partition key says it."""
    table = f"table/{request['TableName']}"
    key = request.get("Key") or request.get("Item") or {}
    queried = request.get("ExpressionAttributeValues", {}) if "KeyConditionExpression" in request else {}
    partition = (key.get("pk") or queried.get(":pk") or {}).get("S", "")
    kind = _PARTITION.match(partition)
    return f"{table}/{kind[0]}" if kind else table


def _s3(operation: str, action: str, params: Params) -> Iterator[Right]:
    if action == "s3:ListBucket":
        yield action, "bucket"
    elif operation == "DeleteObjects":
        for each in params["Delete"]["Objects"]:
            yield action, _object(each["Key"])
    elif operation == "CopyObject":
        source = params["CopySource"]
        yield "s3:GetObject", _object(source["Key"] if isinstance(source, Mapping) else source.partition("/")[2])
        yield "s3:PutObject", _object(params["Key"])
    else:
        yield action, _object(params["Key"])
    for param, further in (("Tagging", "s3:PutObjectTagging"), ("ACL", "s3:PutObjectAcl")):
        if param in params:
            yield further, _object(params["Key"])


def _object(key: str) -> str:
    return f"bucket/{key.partition('/')[0]}/*"


def _endpoint(name: str, environment: Mapping[str, str]) -> str:
    """Return which endpoint it is; those of versions 0.1 and 0.2 had the deployment's name."""
    if name == environment.get("ENDPOINT_NAME"):
        return "current"
    return "untyped" if name == environment.get("DEPLOYMENT") else "former"


def _queue(url: str, environment: Mapping[str, str]) -> str:
    for name, purpose in _QUEUES.items():
        if environment.get(name) == url:
            return purpose
    raise LookupError(f"no variable of the environment has the queue {url}")


def _sns(_operation: str, action: str, params: Params) -> Iterator[Right]:
    yield action, f"topic/{params['TopicArn'].rpartition(':')[2]}"


def _only(resource: str) -> Callable[[str, str, Params], Iterator[Right]]:
    """Return the rule of a service of which a caller uses one resource."""

    def rule(_operation: str, action: str, _params: Params) -> Iterator[Right]:
        yield action, resource

    return rule


_RULES: dict[str, Callable[[str, str, Params], Iterator[Right]]] = {
    "application-autoscaling": _only("scalable-target"),
    "bedrock": _only("model"),
    "lambda": _only("cpu-function"),
    "sns": _sns,
    "dynamodb": _dynamodb,
    "events": _only("event-bus"),
    "polly": _only("*"),  # SynthesizeSpeech has no resource but lexicons
    "s3": _s3,
}

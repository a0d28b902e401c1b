"""Events as Lambda passes them to the functions, and their answers without the parts that vary between runs."""

import base64
import json
import re
from typing import Any

REGION = "us-east-1"
Item = dict[str, Any]
_SIGNED = re.compile(r"(X-Amz-Signature)=[0-9a-f]{64}")


def sqs_event(body: str) -> Item:
    """A batch of one message, as Lambda gets it."""
    record = {
        "messageId": "message-0",
        "receiptHandle": "handle",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767225600000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue",
        "awsRegion": REGION,
    }
    return {"Records": [record]}


def sns_event(message: str) -> Item:
    """A notification, as Lambda gets it."""
    topic = "arn:aws:sns:us-east-1:123456789012:topic"
    sns = {"Type": "Notification", "TopicArn": topic, "Message": message}
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]}


def socket_event(kind: str, connection: str, owner: str) -> Item:
    """An event of the WebSocket API."""
    route = {"CONNECT": "$connect", "DISCONNECT": "$disconnect"}.get(kind, "$default")
    context: Item = {"routeKey": route, "eventType": kind, "connectionId": connection, "authorizer": {"owner": owner}}
    return {"requestContext": context, "isBase64Encoded": False}


def stream_record(image: Item, number: int, at: float) -> Item:
    """A record of the jobs table's stream: a row as it is after a change."""
    change = {
        "ApproximateCreationDateTime": at,
        "Keys": {"job_id": image["job_id"]},
        "NewImage": image,
        "SequenceNumber": str(number),
        "StreamViewType": "NEW_IMAGE",
    }
    return {"eventID": f"{number:032x}", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": change}


def stable(answer: Item) -> Item:
    """An answer without what the machine's speed decides, signatures and pictures in full."""
    body = answer["body"]
    if isinstance(body, dict):
        for part in body.get("parts", {}).values():
            part["milliseconds"] = 1.0
        for avatar in body.get("avatars", []):
            avatar["picture"] = avatar["picture"].partition(",")[0]
    stable: Item = _unsigned(answer)
    return stable


def _unsigned(value: Any) -> Any:
    """A value with its presigned forms' policies decoded, and all signatures replaced."""
    match value:
        case str():
            return _SIGNED.sub(r"\1=\1", value)
        case list():
            return [_unsigned(member) for member in value]
        case {"policy": str(policy), "x-amz-signature": _}:
            decoded = json.loads(base64.b64decode(policy))
            return value | {"policy": decoded, "x-amz-signature": "X-Amz-Signature"}
        case dict():
            return {name: _unsigned(member) for name, member in value.items()}
        case _:
            return value

"""Lambda functions of the minimal chain, on boto3 alone."""

import json
import os
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

JsonObject = dict[str, Any]

TABLE = os.environ["TABLE"]
BUCKET = os.environ["BUCKET"]


@cache
def _client(service: str, url: str | None = None) -> Any:
    signature = Config(signature_version="s3v4", s3={"addressing_style": "path"}) if service == "s3" else None
    create: Any = boto3.client
    return create(service, endpoint_url=url, config=signature)


def api(event: JsonObject, _context: object) -> JsonObject:
    """``POST /jobs`` writes a job and returns the form of its upload; ``GET /jobs/{job_id}`` returns the job."""
    if event["requestContext"]["http"]["method"] == "GET":
        job_id = event["rawPath"].rpartition("/")[2]
        item = _client("dynamodb").get_item(TableName=TABLE, Key={"job_id": {"S": job_id}})["Item"]
        return {"statusCode": 200, "body": json.dumps(_job(item))}
    job_id = uuid4().hex
    item = {"job_id": {"S": job_id}, "state": {"S": "awaiting_upload"}, "seq": {"N": "1"}, "updated_at": _now()}
    _client("dynamodb").put_item(TableName=TABLE, Item=item)
    form = _client("s3").generate_presigned_post(BUCKET, f"uploads/{job_id}")
    return {"statusCode": 201, "body": json.dumps({"job": _job(item), "uploads": {"photo": form}})}


def dispatch(event: JsonObject, _context: object) -> None:
    """Invoke the endpoint for every uploaded object; the messages are S3's notifications."""
    for message in event["Records"]:
        for record in json.loads(message["body"]).get("Records", []):
            key = record["s3"]["object"]["key"]
            _client("sagemaker-runtime", os.environ["RUNTIME_URL"]).invoke_endpoint_async(
                EndpointName=os.environ["ENDPOINT_NAME"],
                InputLocation=f"s3://{BUCKET}/{key}",
                InferenceId=key.rpartition("/")[2],
                ContentType="application/octet-stream",
            )


def finished(event: JsonObject, _context: object) -> None:
    """Write the end of every announced job."""
    for record in event["Records"]:
        notice = json.loads(record["Sns"]["Message"])
        _client("dynamodb").update_item(
            TableName=TABLE,
            Key={"job_id": {"S": notice["inferenceId"]}},
            UpdateExpression="SET #state = :state, seq = :seq, updated_at = :now",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":state": {"S": "completed"}, ":seq": {"N": "2"}, ":now": _now()},
        )


def push(event: JsonObject, _context: object) -> None:
    """Send every completed job of the stream to its subscriber."""
    for record in event["Records"]:
        _send(record["dynamodb"]["NewImage"])


def socket(event: JsonObject, _context: object) -> JsonObject:
    """Subscribe a connection to a job, and send the job if it is completed already."""
    context = event["requestContext"]
    if context["eventType"] == "MESSAGE":
        changed = _client("dynamodb").update_item(
            TableName=TABLE,
            Key={"job_id": {"S": json.loads(event["body"])["job_id"]}},
            UpdateExpression="SET connection_id = :connection",
            ExpressionAttributeValues={":connection": {"S": context["connectionId"]}},
            ReturnValues="ALL_NEW",
        )
        _send(changed["Attributes"])
    return {"statusCode": 200}


def _send(item: JsonObject) -> None:
    if "connection_id" in item and item["state"]["S"] == "completed":
        _client("apigatewaymanagementapi", os.environ["CALLBACK_URL"]).post_to_connection(
            ConnectionId=item["connection_id"]["S"], Data=json.dumps({"type": "job", "job": _job(item)}).encode()
        )


def _job(item: JsonObject) -> JsonObject:
    return {
        "job_id": item["job_id"]["S"],
        "state": item["state"]["S"],
        "seq": int(item["seq"]["N"]),
        "updated_at": item["updated_at"]["S"],
    }


def _now() -> JsonObject:
    return {"S": datetime.now(UTC).isoformat()}

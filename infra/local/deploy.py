"""Deployment of a synthesized assembly to the emulator, as the CDK command does it, in about a second."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.local import emulator
from infra.names import GATEWAY_PARAMETER

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
# Assembly that was deployed completely. The emulator stores it, and may be restored to a state before a deployment.
ASSEMBLY_PARAMETER = "/darkroom/assembly"
DEPLOY_SECONDS = 120.0
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's earliest time: equal contents make equal archives

Client = Callable[[str], Any]


class DeployError(RuntimeError):
    """Raised when CloudFormation fails; the message names the resources and reasons."""


def deploy(client: Client, assembly: Path, *, port: int) -> dict[str, str]:
    """Create or update the stack of an assembly, and return its outputs. Raises ``DeployError``."""
    stack = next(assembly.glob("*.template.json")).name.removesuffix(".template.json")
    url = _upload(client, assembly, stack, emulator.address(port))
    client("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)
    outputs = _apply(client("cloudformation"), stack, url, gateway=f"{emulator.HOST}:{port}")
    _apply_ignored_properties(client, stack, json.loads((assembly / f"{stack}.template.json").read_text()))
    return outputs


def mark_deployed(client: Client, assembly: Path) -> None:
    """Record in the emulator that an assembly is deployed, its users included."""
    client("ssm").put_parameter(Name=ASSEMBLY_PARAMETER, Value=assembly.name, Type="String", Overwrite=True)


def is_deployed(client: Client, assembly: Path) -> bool:
    """Return True if the emulator has an assembly deployed."""
    ssm = client("ssm")
    try:
        return bool(ssm.get_parameter(Name=ASSEMBLY_PARAMETER)["Parameter"]["Value"] == assembly.name)
    except ssm.exceptions.ParameterNotFound:
        return False


def _upload(client: Client, assembly: Path, stack: str, address: str) -> str:
    """Upload the assets to the template's locations; return the template's URL."""
    s3 = client("s3")
    template = ""
    manifest = json.loads((assembly / f"{stack}.assets.json").read_text())
    made: set[str] = set()
    for asset in manifest["files"].values():
        source = assembly / asset["source"]["path"]
        for destination in asset["destinations"].values():
            bucket = _resolve(destination["bucketName"])
            if bucket not in made:
                with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
                    s3.create_bucket(Bucket=bucket)
                made.add(bucket)
            body = _zip(source) if asset["source"]["packaging"] == "zip" else source.read_bytes()
            key = _resolve(destination["objectKey"])
            s3.put_object(Bucket=bucket, Key=key, Body=body)
            if source.name == f"{stack}.template.json":
                template = f"{address}/{bucket}/{key}"
    return template


def _resolve(text: str) -> str:
    return text.replace("${AWS::AccountId}", emulator.ACCOUNT).replace("${AWS::Region}", emulator.REGION)


def _zip(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH), path.read_bytes())
    return buffer.getvalue()


def _apply(cloudformation: "CloudFormationClient", stack: str, url: str, *, gateway: str) -> dict[str, str]:
    arguments: Any = {
        "StackName": stack,
        "TemplateURL": url,
        "Parameters": [{"ParameterKey": GATEWAY_PARAMETER, "ParameterValue": gateway}],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    }
    before = _describe(cloudformation, stack)
    try:
        if before and before["StackStatus"] == "ROLLBACK_COMPLETE":  # its creation failed; it has no resources
            cloudformation.delete_stack(StackName=stack)
            cloudformation.get_waiter("stack_delete_complete").wait(
                StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
            )
            before = None
        if before:
            cloudformation.update_stack(**arguments)
        else:
            cloudformation.create_stack(**arguments)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise DeployError(str(error)) from error
    deadline = time.monotonic() + DEPLOY_SECONDS
    while True:
        found = _describe(cloudformation, stack)
        status = found["StackStatus"] if found else "MISSING"
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            assert found is not None
            return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
        if not status.endswith("_IN_PROGRESS") or time.monotonic() > deadline:
            reasons = "\n".join(_reasons(cloudformation, stack))
            raise DeployError(f"the stack {stack} is {status}:\n{reasons}")
        time.sleep(0.05)


def _describe(cloudformation: "CloudFormationClient", stack: str) -> Any:
    try:
        return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _reasons(cloudformation: "CloudFormationClient", stack: str) -> Iterator[str]:
    for event in cloudformation.describe_stack_events(StackName=stack)["StackEvents"]:
        if event.get("ResourceStatus", "").endswith("FAILED") and event["LogicalResourceId"] != stack:
            yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"


def _apply_ignored_properties(client: Client, stack: str, template: dict[str, Any]) -> None:
    """Apply what the emulator ignores in a template: tables' TTL and the CORS of HTTP APIs."""
    resources = client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    names = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
    for logical, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::DynamoDB::Table" and "TimeToLiveSpecification" in properties:
            _enable_ttl(client("dynamodb"), names[logical], properties["TimeToLiveSpecification"])
        if resource["Type"] == "AWS::ApiGatewayV2::Api" and "CorsConfiguration" in properties:
            client("apigatewayv2").update_api(ApiId=names[logical], CorsConfiguration=properties["CorsConfiguration"])


def _enable_ttl(dynamodb: Any, table: str, specification: dict[str, Any]) -> None:
    now = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if now.get("TimeToLiveStatus") != "ENABLED":
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)

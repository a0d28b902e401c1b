"""Access logs of the HTTP and WebSocket APIs."""

import json

from aws_cdk import Names, RemovalPolicy
from aws_cdk.aws_apigatewayv2 import CfnStage
from aws_cdk.aws_logs import LogGroup
from constructs import Construct

from infra.config import Config
from infra.constructs.functions import RETENTION

PREFIX = "/aws/vendedlogs/apigateway/"
# No query string: it holds the token of a WebSocket connection.
FORMAT = json.dumps(
    {
        "request_id": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "route": "$context.routeKey",
        "status": "$context.status",
        "address": "$context.identity.sourceIp",
        "error": "$context.error.message",
        "integration_error": "$context.integrationErrorMessage",
    }
)


def enable_access_logs(stage: Construct, *, config: Config) -> None:
    """Write one JSON line per request of an API's stage to its own log group."""
    logs = LogGroup(
        stage,
        "AccessLogs",
        # API Gateway writes a resource policy for each log group, up to a limit of its size, except below this prefix.
        log_group_name=None if config.local else f"{PREFIX}{Names.unique_resource_name(stage, max_length=128)}",
        retention=RETENTION[config.log_days],
        removal_policy=RemovalPolicy.DESTROY,
    )
    cfn = stage.node.default_child
    assert isinstance(cfn, CfnStage)
    cfn.access_log_settings = CfnStage.AccessLogSettingsProperty(destination_arn=logs.log_group_arn, format=FORMAT)

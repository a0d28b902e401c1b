"""API Gateway's account-wide role for writing logs, which WebSocket APIs need and HTTP APIs do not."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_apigateway import CfnAccount
from aws_cdk.aws_apigatewayv2 import WebSocketStage
from aws_cdk.aws_iam import ManagedPolicy, Role, ServicePrincipal
from constructs import Construct

from infra.constructs.nag_findings import acknowledge


def enable_gateway_logs(scope: Construct, stage: WebSocketStage) -> None:
    """Set API Gateway's log role, one per account and region, before ``stage`` is created."""
    role = Role(
        scope,
        "GatewayLogs",
        assumed_by=ServicePrincipal("apigateway.amazonaws.com"),
        managed_policies=[
            ManagedPolicy.from_aws_managed_policy_name("service-role/AmazonAPIGatewayPushToCloudWatchLogs")
        ],
    )
    account = CfnAccount(scope, "Gateway", cloud_watch_role_arn=role.role_arn)
    # Other APIs of the account may use them when this stack is deleted.
    role.apply_removal_policy(RemovalPolicy.RETAIN)
    account.apply_removal_policy(RemovalPolicy.RETAIN)
    stage.node.add_dependency(account)
    acknowledge(
        role,
        "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
        "AmazonAPIGatewayPushToCloudWatchLogs]",
        reason="The policy AWS made for exactly this role, which API Gateway checks for.",
    )

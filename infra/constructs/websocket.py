"""WebSocket API for job updates: authorizer, subscriptions and push."""

from aws_cdk import Duration, Stack
from aws_cdk.aws_apigatewayv2 import (
    ThrottleSettings,
    WebSocketApi,
    WebSocketStage,
)
from aws_cdk.aws_apigatewayv2_authorizers import WebSocketLambdaAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import WebSocketLambdaIntegration, WebSocketMockIntegration
from aws_cdk.aws_lambda import FilterCriteria, FilterRule, Function, StartingPosition
from aws_cdk.aws_lambda_event_sources import DynamoEventSource
from constructs import Construct

from handlers.settings.authorize import AuthorizeSettings
from handlers.settings.push import PushSettings
from handlers.settings.socket import SocketSettings
from handlers.websocket.subscriptions import SUBSCRIPTION_ATTRIBUTES
from infra.config import Config
from infra.constructs.access_logs import enable_access_logs
from infra.constructs.api_urls import ApiUrls
from infra.constructs.event_sources import FailedRecords
from infra.constructs.functions import Functions, allow, allow_attributes, allow_in_own_policy
from infra.constructs.identity import Identity
from infra.constructs.jobs import Jobs
from infra.constructs.nag_findings import acknowledge, logical_id
from infra.constructs.storage import Storage
from infra.names import ASSETS, PREVIEWS, RESULTS, SOCKET_STAGE, UPLOADS

# Older updates are dropped: clients poll after a silence.
MAX_RECORD_AGE_SECONDS = 120


class WebSocket(Construct):
    """WebSocket API. ``$connect`` needs a token, ``socket`` handles messages, ``push`` sends updates from the
    stream.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the CDK's own name
        *,
        config: Config,
        functions: Functions,
        storage: Storage,
        jobs: Jobs,
        identity: Identity,
        addresses: ApiUrls,
    ) -> None:
        super().__init__(scope, id)
        self.api = WebSocketApi(self, "Live", api_name=f"{config.stack_name}-live")
        self.url = addresses.socket(self.api)
        self.callback_url = callback_url = addresses.callback(self.api)
        change_subscribers = allow_attributes(["dynamodb:UpdateItem"], jobs.table.table_arn, SUBSCRIPTION_ATTRIBUTES)
        read_pictures = allow(
            ["s3:GetObject"], [storage.arn(prefix) for prefix in (UPLOADS, ASSETS, RESULTS, PREVIEWS)]
        )
        post_to_connections = allow(["execute-api:ManageConnections"], [self._connections("POST")])
        self.authorize = functions.add_function(
            self,
            "authorize",
            environment=AuthorizeSettings.environment(
                issuer=identity.issuer, client_id=identity.client_id, jwks_url=identity.jwks_url
            ),
            statements=[],
        )
        self.function = functions.add_function(
            self,
            "socket",
            environment=SocketSettings.environment(
                jobs_table=jobs.table.table_name,
                bucket=storage.bucket.bucket_name,
                callback_url=callback_url,
            ),
            statements=[
                change_subscribers,
                read_pictures,
                post_to_connections,
            ],
        )
        self.push = functions.add_function(
            self,
            "push",
            environment=PushSettings.environment(
                jobs_table=jobs.table.table_name,
                bucket=storage.bucket.bucket_name,
                callback_url=callback_url,
            ),
            statements=[
                change_subscribers,
                read_pictures,
                post_to_connections,
            ],
        )
        self.push.add_event_source(
            DynamoEventSource(
                jobs.table,
                # From the beginning, so that changes during the mapping's creation are not lost.
                starting_position=StartingPosition.TRIM_HORIZON,
                batch_size=100,
                # Only jobs that somebody has subscribed to. No INSERT: nobody can have done so before.
                filters=[
                    FilterCriteria.filter(
                        {
                            "eventName": FilterRule.is_equal("MODIFY"),
                            "dynamodb": {"NewImage": {"subscribed_seq": {"N": FilterRule.exists()}}},
                        }
                    )
                ],
                parallelization_factor=1 if config.local else 4,
                retry_attempts=3,
                bisect_batch_on_error=True,
                max_record_age=Duration.seconds(MAX_RECORD_AGE_SECONDS),
                report_batch_item_failures=True,
                on_failure=FailedRecords(jobs.dead_letters),
            )
        )
        authorizer = WebSocketLambdaAuthorizer(
            "Token", self.authorize, identity_source=["route.request.querystring.token"]
        )
        # Only the authorizer decides about $connect. No $disconnect: push finds out that a connection has closed.
        accept = WebSocketMockIntegration(
            "Accept", request_templates={"200": '{"statusCode": 200}'}, template_selection_expression="200"
        )
        self.api.add_route("$connect", integration=accept, authorizer=authorizer)
        self.api.add_route("$default", integration=WebSocketLambdaIntegration("Function", self.function))
        stage = WebSocketStage(
            self,
            "Stage",
            web_socket_api=self.api,
            stage_name=SOCKET_STAGE,
            auto_deploy=True,
            throttle=ThrottleSettings(
                rate_limit=config.requests_per_second, burst_limit=2 * config.requests_per_second
            ),
        )
        enable_access_logs(stage, config=config)
        self._acknowledge_every_connection(self, "POST")
        self.allow_closing(self, self.function, self.push)
        if config.gateway_log_role and not config.local:
            from infra.constructs.gateway_logs import enable_gateway_logs  # noqa: PLC0415 - slow, not needed locally

            enable_gateway_logs(self, stage)
        acknowledge(
            self.api,
            "AwsSolutions-APIG4",
            reason="A WebSocket API authorises $connect alone; every later message comes over that connection.",
        )

    def allow_closing(self, scope: Construct, *functions: Function) -> None:
        """Allow functions to close a connection, and to send the reason before."""
        methods = ("POST", "DELETE")
        statement = allow(["execute-api:ManageConnections"], [self._connections(method) for method in methods])
        policy = allow_in_own_policy(scope, "CloseConnections", statement, *functions)
        for method in methods:
            self._acknowledge_every_connection(policy, method)

    def _connections(self, method: str) -> str:
        return Stack.of(self).format_arn(
            service="execute-api",
            resource=self.api.api_id,
            resource_name=f"{SOCKET_STAGE}/{method}/@connections/*",
        )

    def _acknowledge_every_connection(self, scope: Construct, method: str) -> None:
        acknowledge(
            scope,
            "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:"
            f"<{logical_id(self.api)}>/{SOCKET_STAGE}/{method}/@connections/*]",
            reason="A connection's id is known when somebody connects. The right is limited to this stage.",
        )

"""The REST API: one function behind an HTTP API that lets only good tokens through."""

from aws_cdk import Duration, Stack
from aws_cdk.aws_apigatewayv2 import (
    CorsHttpMethod,
    CorsPreflightOptions,
    HttpApi,
    HttpMethod,
    HttpStage,
    ThrottleSettings,
)
from aws_cdk.aws_apigatewayv2_authorizers import HttpJwtAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from handlers.settings import ApiSettings
from infra.access_logs import keep_access_logs
from infra.addresses import Addresses
from infra.config import Config
from infra.exceptions import acknowledge
from infra.functions import Functions, allow
from infra.identity import Identity
from infra.jobs import BY_OWNER, Jobs
from infra.names import PREVIEWS, RESULTS, UPLOADS
from infra.storage import Storage

CORS_HEADERS = ("authorization", "content-type", "idempotency-key")
CORS_EXPOSED = ("location", "retry-after")
CORS_METHODS = ("GET", "POST", "DELETE")
CORS_SECONDS = 3600
PUBLIC = "/config"  # where a client learns whom to ask for a token


class Api(Construct):
    """Every route needs a token of the configured issuer, except ``GET /config``."""

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
        addresses: Addresses,
        socket_url: str,
    ) -> None:
        super().__init__(scope, id)
        endpoint = Stack.of(self).format_arn(
            service="sagemaker", resource="endpoint", resource_name=config.endpoint_name
        )
        self.function = functions.make(
            self,
            "api",
            memory=1024,
            environment=ApiSettings.environment(
                jobs_table=jobs.table.table_name,
                bucket=storage.bucket.bucket_name,
                queue_url=jobs.queue.queue_url,
                endpoint_name=config.endpoint_name,
                issuer=identity.issuer,
                client_id=identity.client_id,
                socket_url=socket_url,
                default_engine=config.default_engine,
                upload_seconds=config.upload_seconds,
                retention_days=config.retention_days,
            ),
            rights=[
                allow(
                    ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                    [jobs.table.table_arn],
                ),
                allow(["dynamodb:Query"], [f"{jobs.table.table_arn}/index/{BY_OWNER}"]),
                # What a presigned form or link may do is what its signer may do.
                allow(["s3:PutObject"], [storage.arn(UPLOADS)]),
                allow(["s3:GetObject"], [storage.arn(RESULTS), storage.arn(PREVIEWS)]),
                storage.tell_missing(),  # and what /health asks of the bucket
                allow(["sqs:GetQueueAttributes"], [jobs.queue.queue_arn]),
                allow(["sagemaker:DescribeEndpoint"], [endpoint]),
            ],
        )
        self.api = HttpApi(
            self,
            "Http",
            api_name=config.stack_name,
            create_default_stage=False,
            cors_preflight=CorsPreflightOptions(
                allow_origins=config.origins,
                allow_methods=[CorsHttpMethod(method) for method in CORS_METHODS],
                allow_headers=list(CORS_HEADERS),
                expose_headers=list(CORS_EXPOSED),
                max_age=Duration.seconds(CORS_SECONDS),
            ),
        )
        integration = HttpLambdaIntegration("Function", self.function)
        self.api.add_routes(path=PUBLIC, methods=[HttpMethod.GET], integration=integration)
        self.api.add_routes(
            path="/{proxy+}",
            methods=[HttpMethod(method) for method in CORS_METHODS],
            integration=integration,
            authorizer=HttpJwtAuthorizer("Token", identity.issuer, jwt_audience=[identity.client_id]),
        )
        stage = HttpStage(
            self,
            "Stage",
            http_api=self.api,
            auto_deploy=True,
            throttle=ThrottleSettings(
                rate_limit=config.requests_per_second, burst_limit=2 * config.requests_per_second
            ),
        )
        keep_access_logs(stage, config=config)
        acknowledge(
            self.api,
            "AwsSolutions-APIG4",
            reason="GET /config alone needs no token: it says where to get one and holds nothing else.",
        )
        self.url = addresses.api(self.api)

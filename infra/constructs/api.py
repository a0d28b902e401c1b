"""REST API: one function behind an HTTP API with a JWT authorizer."""

import json
from collections.abc import Iterator

from aws_cdk import ArnFormat, Duration, Stack
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
from aws_cdk.aws_iam import PolicyStatement
from constructs import Construct

from handlers.settings.api import ApiSettings
from infra.config import Config
from infra.constructs.access_logs import enable_access_logs
from infra.constructs.api_urls import ApiUrls
from infra.constructs.assets import Assets
from infra.constructs.cpu_lane import CpuLane
from infra.constructs.functions import Functions, allow, allow_in_own_policy
from infra.constructs.identity import Identity
from infra.constructs.jobs import BY_OWNER, DUE, Jobs
from infra.constructs.ledger import Ledger
from infra.constructs.nag_findings import acknowledge
from infra.constructs.storage import Storage
from infra.names import ASSETS, PREVIEWS, RESULTS, UPLOADS

CORS_HEADERS = ("authorization", "content-type", "idempotency-key")
CORS_EXPOSED = (
    *("location", "retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-window"),
)
CORS_METHODS = ("GET", "POST", "DELETE")
CORS_SECONDS = 3600
# Prefixes of Bedrock's inference profiles: us.anthropic.… calls anthropic.… in one of those regions.
PROFILE_REGIONS = frozenset({"us", "us-gov", "eu", "apac", "au", "ca", "jp", "global"})
PUBLIC = "/config"  # names the token's issuer, so it cannot require a token


class Api(Construct):
    """HTTP API and its function. Every route needs a token of the configured issuer, except ``GET /config``."""

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
        ledger: Ledger,
        library: Assets,
        socket_url: str,
        cpu_lane: CpuLane | None,
    ) -> None:
        super().__init__(scope, id)
        endpoint = Stack.of(self).format_arn(
            service="sagemaker", resource="endpoint", resource_name=config.endpoint_name
        )
        self.function = functions.add_function(
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
                ledger_table=ledger.table.table_name,
                assets_table=library.table.table_name,
                rate_limits=json.dumps(config.rate_limits),
                owner_daily_usd=config.owner_daily_usd,
                instance_usd_per_hour=config.instance_usd_per_hour,
                cpu_usd_per_hour=config.cpu_usd_per_hour,
                invocation_seconds=config.invocation_seconds,
                video_seconds=config.video_seconds,
                cpu_seconds=config.cpu_seconds,
                preview_on=config.preview_on,
                cpu_function=cpu_lane.function.function_name if cpu_lane else "",
                cache_days=config.cache_days,
                queue_seconds=config.queue_seconds,
                bedrock_model=config.bedrock_model,
                upload_seconds=config.upload_seconds,
                retention_days=config.retention_days,
            ),
            statements=[
                allow(
                    ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                    [jobs.table.table_arn],
                ),
                allow(
                    ["dynamodb:Query"],
                    [
                        *(f"{jobs.table.table_arn}/index/{index}" for index in (BY_OWNER, DUE)),
                        f"{library.table.table_arn}/index/{BY_OWNER}",
                        ledger.table.table_arn,
                    ],
                ),
                allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], [ledger.table.table_arn]),
                allow(
                    ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
                    [library.table.table_arn],
                ),
                # A presigned request has the rights of its signer. Copies between prefixes need both rights, too.
                allow(["s3:PutObject"], [storage.arn(UPLOADS), storage.arn(ASSETS)]),
                allow(["s3:GetObject"], [storage.arn(prefix) for prefix in (UPLOADS, ASSETS, RESULTS, PREVIEWS)]),
                allow(["s3:DeleteObject"], [storage.arn(ASSETS)]),
                storage.allow_list_bucket(),  # also for the HeadBucket of /health
                allow(["sqs:SendMessage", "sqs:GetQueueAttributes"], [jobs.queue.queue_arn]),
                *_bedrock(self, config.bedrock_model),
                allow(["sagemaker:DescribeEndpoint"], [endpoint]),
            ],
        )
        batch_read = allow(["dynamodb:BatchGetItem"], [ledger.table.table_arn])
        allow_in_own_policy(self, "ReadLedgerBatches", batch_read, self.function)
        if cpu_lane is not None:
            describe = allow(["lambda:GetFunctionConfiguration"], [cpu_lane.function.function_arn])
            allow_in_own_policy(self, "DescribeCpuLane", describe, self.function)
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
        enable_access_logs(stage, config=config)
        acknowledge(
            self.api,
            "AwsSolutions-APIG4",
            reason="GET /config alone needs no token: it says where to get one and holds nothing else.",
        )
        self.url = addresses.api(self.api)


def _bedrock(scope: Construct, model: str) -> Iterator[PolicyStatement]:
    """Yield the statements to invoke the model that enhances prompts, if one is configured.

    ``model`` is the id or ARN of a model or of an inference profile.
    """
    if not model:
        return
    stack = Stack.of(scope)

    def foundation(name: str, *, region: str | None = None) -> str:
        return stack.format_arn(
            service="bedrock", region=region, account="", resource="foundation-model", resource_name=name
        )

    if model.startswith("arn:"):
        resources = [model]
        if "inference-profile/" in model:
            # The ARN does not reveal which model the profile calls, nor in which regions.
            profiled = allow(["bedrock:InvokeModel"], [foundation("*", region="*")])
            profiled.add_condition("StringEquals", {"bedrock:InferenceProfileArn": model})
            yield profiled
    elif model.partition(".")[0] in PROFILE_REGIONS:
        profile = stack.format_arn(
            service="bedrock",
            resource="inference-profile",
            resource_name=model,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        resources = [foundation(model.partition(".")[2], region="*"), profile]
        acknowledge(
            scope,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:bedrock:*::foundation-model/{model.partition('.')[2]}]",
            reason="An inference profile calls its model in regions that it chooses; the model is named.",
        )
    else:
        resources = [foundation(model)]
    yield allow(["bedrock:InvokeModel"], resources)

"""CDK stack of the minimal chain: ``python -m bench.minimal_chain.stack FOLDER RUNTIME_URL`` synthesizes it."""

import sys
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk.aws_apigatewayv2 import HttpApi, HttpMethod, HttpStage, WebSocketApi, WebSocketStage
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration, WebSocketLambdaIntegration
from aws_cdk.aws_dynamodb import Attribute, AttributeType, BillingMode, StreamViewType, Table
from aws_cdk.aws_iam import PolicyStatement
from aws_cdk.aws_lambda import Code, FilterCriteria, FilterRule, Function, Runtime, StartingPosition
from aws_cdk.aws_lambda_event_sources import DynamoEventSource, SnsEventSource, SqsEventSource
from aws_cdk.aws_s3 import Bucket
from aws_cdk.aws_sns import Topic
from aws_cdk.aws_sqs import Queue

from infra.config import Config
from infra.constructs.api_urls import ApiUrls
from infra.constructs.functions import TIMEOUT_SECONDS
from infra.constructs.job_processing import LOCAL_CONCURRENCY
from infra.constructs.storage import notify_of_objects
from infra.names import SOCKET_STAGE, UPLOADS

ENDPOINT_NAME = "minimal-chain"
MEMORY = 512  # megabytes, as Darkroom's functions have


class MinimalChain(Stack):
    """The stack: one bucket, queue, topic, table, two APIs and five functions of ``functions/minimal.py``."""

    def __init__(self, scope: App, *, runtime_url: str) -> None:
        super().__init__(scope, "minimal-chain")
        urls = ApiUrls(self, "Urls", config=Config.read({"stage": "bench", "local": "true"}))
        bucket = Bucket(self, "Bucket", removal_policy=RemovalPolicy.DESTROY)
        queue = Queue(self, "Uploads")
        topic = Topic(self, "Finished")
        table = Table(
            self,
            "Jobs",
            partition_key=Attribute(name="job_id", type=AttributeType.STRING),
            billing_mode=BillingMode.PAY_PER_REQUEST,
            stream=StreamViewType.NEW_IMAGE,
            removal_policy=RemovalPolicy.DESTROY,
        )
        notify_of_objects(bucket, queue, (UPLOADS,))
        http = HttpApi(self, "Http", create_default_stage=False)
        HttpStage(self, "HttpStage", http_api=http, auto_deploy=True)
        live = WebSocketApi(self, "Live")
        WebSocketStage(self, "LiveStage", web_socket_api=live, stage_name=SOCKET_STAGE, auto_deploy=True)
        common = {"TABLE": table.table_name, "BUCKET": bucket.bucket_name, "CALLBACK_URL": urls.callback(live)}

        api = self._function("api", common)
        table.grant_read_write_data(api)
        bucket.grant_put(api)
        for path, method in (("/jobs", HttpMethod.POST), ("/jobs/{job_id}", HttpMethod.GET)):
            http.add_routes(path=path, methods=[method], integration=HttpLambdaIntegration("Api", api))

        dispatch = self._function("dispatch", {**common, "ENDPOINT_NAME": ENDPOINT_NAME, "RUNTIME_URL": runtime_url})
        dispatch.add_to_role_policy(PolicyStatement(actions=["sagemaker:InvokeEndpointAsync"], resources=["*"]))
        dispatch.add_event_source(SqsEventSource(queue, batch_size=10, max_concurrency=LOCAL_CONCURRENCY))

        finished = self._function("finished", common)
        table.grant_read_write_data(finished)
        finished.add_event_source(SnsEventSource(topic))

        push = self._function("push", common)
        live.grant_manage_connections(push)
        completed = {"dynamodb": {"NewImage": {"state": {"S": FilterRule.is_equal("completed")}}}}
        push.add_event_source(
            DynamoEventSource(
                table,
                starting_position=StartingPosition.TRIM_HORIZON,
                batch_size=100,
                filters=[FilterCriteria.filter(completed)],
            )
        )

        socket = self._function("socket", common)
        table.grant_read_write_data(socket)
        live.grant_manage_connections(socket)
        for route in ("$connect", "$disconnect", "$default"):
            live.add_route(route, integration=WebSocketLambdaIntegration("Socket", socket))

        outputs = {
            "ApiUrl": urls.api(http),
            "SocketUrl": urls.socket(live),
            "BucketName": bucket.bucket_name,
            "TableName": table.table_name,
            "TopicArn": topic.topic_arn,
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)

    def _function(self, name: str, environment: Mapping[str, str]) -> Function:
        return Function(
            self,
            name,
            runtime=Runtime.PYTHON_3_13,
            handler=f"minimal.{name}",
            code=Code.from_asset(str(Path(__file__).parent / "functions")),
            memory_size=MEMORY,
            timeout=Duration.seconds(TIMEOUT_SECONDS),
            environment=dict(environment),
        )


if __name__ == "__main__":
    app = App(outdir=sys.argv[1])
    MinimalChain(app, runtime_url=sys.argv[2])
    app.synth()

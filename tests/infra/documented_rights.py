"""Rights that no call of functions and container needs: AWS uses them for us, and documents that it does."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.aws_calls import CONTAINER, CPU
from tests.infra.role_rights import Right

_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg"
_SAGEMAKER = "https://docs.aws.amazon.com/sagemaker/latest/dg"
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/API"
_FUNCTIONS = ("api", "authorize", CPU, "dispatch", "ended", "finished", "guard", "push", "socket", "sweep", "uploaded")


@dataclass(frozen=True)
class DocumentedRight:
    """Actions on a resource (with wildcards) that some callers' roles have, why, and AWS's page that says so."""

    callers: tuple[str, ...]
    actions: tuple[str, ...]
    resource: str
    reason: str
    page: str

    def covers(self, caller: str, right: Right) -> bool:
        """Return True if this is the reason of a caller's right."""
        return caller in self.callers and right.action in self.actions and fnmatchcase(right.resource, self.resource)


DOCUMENTED = (
    DocumentedRight(
        _FUNCTIONS,
        ("logs:CreateLogStream", "logs:PutLogEvents"),
        "*logs*",
        "Lambda writes a function's log with the function's role.",
        f"{_LAMBDA}/monitoring-cloudwatchlogs.html",
    ),
    DocumentedRight(
        _FUNCTIONS,
        ("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        "*",
        "Lambda sends traces with the function's role.",
        f"{_LAMBDA}/services-xray.html",
    ),
    DocumentedRight(
        ("dispatch",),
        ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
        "JobsQueue*",
        "Lambda polls the queue of an event source mapping with the function's role.",
        f"{_LAMBDA}/services-sqs-configure.html",
    ),
    DocumentedRight(
        ("uploaded",),
        ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
        "JobsUploads*",
        "Lambda polls the queue of an event source mapping with the function's role.",
        f"{_LAMBDA}/services-sqs-configure.html",
    ),
    DocumentedRight(
        ("ended", "push"),
        ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
        "JobsTable*",
        "Lambda reads the stream of an event source mapping with the function's role.",
        f"{_LAMBDA}/services-dynamodb-eventsourcemapping.html",
    ),
    DocumentedRight(
        ("ended", "push"),
        ("dynamodb:ListStreams",),
        "*",
        "Lambda reads the stream of an event source mapping with the function's role; the action has no resource.",
        f"{_LAMBDA}/services-dynamodb-eventsourcemapping.html",
    ),
    DocumentedRight(
        ("push",),
        ("sqs:SendMessage",),
        "JobsDeadLetters*",
        "Lambda sends what it gives up of a stream with the function's role.",
        f"{_LAMBDA}/services-dynamodb-errors.html",
    ),
    DocumentedRight(
        ("finished", "uploaded"),
        ("s3:ListBucket",),
        "StoragePictures*",
        "Without it, S3 answers 403 for an object that does not exist, not 404.",
        f"{_S3}/API_GetObject.html",
    ),
    DocumentedRight(
        ("guard",),
        ("sagemaker:DescribeEndpointConfig",),
        "Configuration",
        "Application Auto Scaling asks its caller for the rights on the endpoint.",
        f"{_SAGEMAKER}/endpoint-auto-scaling-prerequisites.html",
    ),
    DocumentedRight(
        ("guard",),
        ("sagemaker:UpdateEndpointWeightsAndCapacities",),
        "*:endpoint/darkroom-test-*",
        "Application Auto Scaling asks its caller for the rights on the endpoint.",
        f"{_SAGEMAKER}/endpoint-auto-scaling-prerequisites.html",
    ),
    DocumentedRight(
        (CONTAINER,),
        ("s3:GetObject",),
        "StoragePictures*/invocations/?",
        "SageMaker reads the input of an asynchronous invocation with the model's role.",
        f"{_SAGEMAKER}/async-inference-create-endpoint-prerequisites.html",
    ),
    DocumentedRight(
        (CONTAINER,),
        ("s3:PutObject", "s3:AbortMultipartUpload"),
        "StoragePictures*/outcomes/?",
        "SageMaker writes the output of an asynchronous invocation with the model's role.",
        f"{_SAGEMAKER}/async-inference-create-endpoint-prerequisites.html",
    ),
    DocumentedRight(
        (CONTAINER,),
        ("sns:Publish",),
        "Container*",
        "SageMaker publishes the notices of asynchronous invocations with the model's role.",
        f"{_SAGEMAKER}/async-inference-create-endpoint-prerequisites.html",
    ),
    DocumentedRight(
        (CPU,),
        ("sns:Publish",),
        "ContainerError*",
        "Lambda reports failed asynchronous invocations with the function's role.",
        f"{_LAMBDA}/invocation-async-retain-records.html",
    ),
    DocumentedRight(
        (CONTAINER,),
        ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
        "*:log-group:/aws/sagemaker/Endpoints/*",
        "SageMaker writes the container's log with the model's role.",
        f"{_SAGEMAKER}/sagemaker-roles.html",
    ),
    DocumentedRight(
        (CONTAINER,),
        ("cloudwatch:PutMetricData",),
        "*",
        "SageMaker publishes the instances' metrics with the model's role; the action has no resource.",
        f"{_SAGEMAKER}/sagemaker-roles.html",
    ),
    DocumentedRight(
        (CONTAINER,),
        ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
        "*:repository/*",
        "SageMaker pulls the image with the model's role.",
        f"{_SAGEMAKER}/sagemaker-roles.html",
    ),
    DocumentedRight(
        (CONTAINER,),
        ("ecr:GetAuthorizationToken",),
        "*",
        "SageMaker pulls the image with the model's role; the action has no resource.",
        f"{_SAGEMAKER}/sagemaker-roles.html",
    ),
    DocumentedRight(
        (CONTAINER,),
        ("s3:GetObject", "s3:ListBucket"),
        "arn:AWS::Partition:s3:::our-models*",
        "SageMaker downloads the model's data with the model's role.",
        f"{_SAGEMAKER}/sagemaker-roles.html",
    ),
    DocumentedRight(
        ("api",),
        ("bedrock:InvokeModel",),
        "*:foundation-model/*",
        "A call of an inference profile needs the right on its model in each of its regions.",
        "https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html",
    ),
)

# Roles that nothing of ours has, by the beginning of their logical ids.
OTHER_ROLES = {
    "CustomCDKBucketDeployment": "The CDK's function that copies the studio's files during a deployment.",
    "CustomS3AutoDeleteObjects": "The CDK's function that empties a bucket when a stack with destroy=true is deleted.",
    "LogRetention": "The CDK's function that sets the retention of the endpoint's log group during a deployment.",
    "InstancesRole": "The CDK's, without rights: Application Auto Scaling has a service-linked role for SageMaker.",
    "SocketGatewayLogs": "API Gateway's account-wide role, with the managed policy that AWS made for it.",
}

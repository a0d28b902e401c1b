"""CloudFormation's resource types, and the operations of botocore's models that take their properties."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ResourceModel:
    """Operations of a service whose inputs have a resource's properties.

    ``renamed`` is the path of a property → the name (or path) of the member beside or below its parent's. ``without``
    are paths that no operation takes as a value, and why.
    """

    service: str
    operations: tuple[str, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)


_POLICY = "A policy, which cfn-lint parses."
_LIST = "CloudFormation attaches one policy to several."

RESOURCE_MODELS = {
    "AWS::ApiGatewayV2::Api": ResourceModel("apigatewayv2", ("CreateApi",)),
    "AWS::ApiGatewayV2::Authorizer": ResourceModel("apigatewayv2", ("CreateAuthorizer",)),
    "AWS::ApiGatewayV2::Integration": ResourceModel("apigatewayv2", ("CreateIntegration",)),
    "AWS::ApiGatewayV2::Route": ResourceModel("apigatewayv2", ("CreateRoute",)),
    "AWS::ApiGatewayV2::Stage": ResourceModel("apigatewayv2", ("CreateStage",)),
    "AWS::ApplicationAutoScaling::ScalableTarget": ResourceModel(
        "application-autoscaling", ("RegisterScalableTarget",)
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ResourceModel(
        "application-autoscaling",
        ("PutScalingPolicy",),
        without={"ScalingTargetId": "CloudFormation's reference to the target."},
    ),
    "AWS::Budgets::Budget": ResourceModel("budgets", ("CreateBudget",)),
    "AWS::CloudFront::Distribution": ResourceModel(
        "cloudfront", ("CreateDistribution",), renamed={"DistributionConfig.IPV6Enabled": "IsIPV6Enabled"}
    ),
    "AWS::CloudFront::OriginAccessControl": ResourceModel("cloudfront", ("CreateOriginAccessControl",)),
    "AWS::CloudFront::ResponseHeadersPolicy": ResourceModel("cloudfront", ("CreateResponseHeadersPolicy",)),
    "AWS::CloudWatch::Alarm": ResourceModel("cloudwatch", ("PutMetricAlarm",)),
    "AWS::Cognito::UserPool": ResourceModel(
        "cognito-idp",
        ("CreateUserPool",),
        without={"EnabledMfas": "SetUserPoolMfaConfig takes a structure for each second factor."},
    ),
    "AWS::Cognito::UserPoolClient": ResourceModel("cognito-idp", ("CreateUserPoolClient",)),
    "AWS::Cognito::UserPoolGroup": ResourceModel("cognito-idp", ("CreateGroup",)),
    "AWS::DynamoDB::Table": ResourceModel("dynamodb", ("CreateTable", "UpdateContinuousBackups", "UpdateTimeToLive")),
    "AWS::Events::EventBus": ResourceModel("events", ("CreateEventBus",)),
    "AWS::Events::Rule": ResourceModel("events", ("PutRule", "PutTargets")),
    "AWS::IAM::Policy": ResourceModel("iam", ("PutRolePolicy",), without={"Roles": _LIST, "PolicyDocument": _POLICY}),
    "AWS::IAM::Role": ResourceModel(
        "iam",
        ("CreateRole", "AttachRolePolicy"),
        renamed={"ManagedPolicyArns": "PolicyArn"},
        without={"AssumeRolePolicyDocument": _POLICY},
    ),
    "AWS::Lambda::EventInvokeConfig": ResourceModel("lambda", ("PutFunctionEventInvokeConfig",)),
    "AWS::Lambda::EventSourceMapping": ResourceModel("lambda", ("CreateEventSourceMapping",)),
    "AWS::Lambda::Function": ResourceModel("lambda", ("CreateFunction", "PutFunctionRecursionConfig")),
    "AWS::Lambda::LayerVersion": ResourceModel("lambda", ("PublishLayerVersion",)),
    "AWS::Lambda::Permission": ResourceModel("lambda", ("AddPermission",)),
    "AWS::Logs::LogGroup": ResourceModel("logs", ("CreateLogGroup", "PutRetentionPolicy")),
    "AWS::S3::Bucket": ResourceModel(
        "s3",
        (
            "PutBucketEncryption",
            "PutBucketLifecycleConfiguration",
            "PutBucketCors",
            "PutPublicAccessBlock",
            "PutBucketOwnershipControls",
            "PutBucketNotificationConfiguration",
            "PutBucketTagging",
        ),
        renamed={
            "BucketEncryption": "ServerSideEncryptionConfiguration",
            "BucketEncryption.ServerSideEncryptionConfiguration": "Rules",
            "BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault": (
                "ApplyServerSideEncryptionByDefault"
            ),
            "CorsConfiguration.CorsRules.ExposedHeaders": "ExposeHeaders",
            "CorsConfiguration.CorsRules.MaxAge": "MaxAgeSeconds",
            "LifecycleConfiguration.Rules.ExpirationInDays": "Expiration.Days",
            "NotificationConfiguration.QueueConfigurations.Event": "Events",
            "NotificationConfiguration.QueueConfigurations.Filter.S3Key": "Key",
            "NotificationConfiguration.QueueConfigurations.Filter.S3Key.Rules": "FilterRules",
            "NotificationConfiguration.QueueConfigurations.Queue": "QueueArn",
            "Tags": "Tagging.TagSet",
        },
    ),
    "AWS::S3::BucketPolicy": ResourceModel("s3", ("PutBucketPolicy",), without={"PolicyDocument": _POLICY}),
    "AWS::SNS::Subscription": ResourceModel("sns", ("Subscribe",)),
    "AWS::SNS::Topic": ResourceModel("sns", ("CreateTopic",)),
    "AWS::SNS::TopicPolicy": ResourceModel(
        "sns", ("SetTopicAttributes",), without={"Topics": _LIST, "PolicyDocument": _POLICY}
    ),
    "AWS::SQS::Queue": ResourceModel("sqs", ("CreateQueue",)),
    "AWS::SQS::QueuePolicy": ResourceModel(
        "sqs", ("SetQueueAttributes",), without={"Queues": _LIST, "PolicyDocument": _POLICY}
    ),
    "AWS::SageMaker::Endpoint": ResourceModel("sagemaker", ("CreateEndpoint", "UpdateEndpoint")),
    "AWS::SageMaker::EndpointConfig": ResourceModel("sagemaker", ("CreateEndpointConfig",)),
    "AWS::SageMaker::Model": ResourceModel("sagemaker", ("CreateModel",)),
}

# Types that no operation describes, and why.
UNMODELLED = {
    "AWS::ApiGateway::Account": "UpdateAccount takes patches, with the role's ARN as a text.",
    "Custom::CDKBucketDeployment": "The CDK's own resource: its function reads the properties.",
    "Custom::LogRetention": "The CDK's own resource: its function reads the properties.",
    "Custom::S3AutoDeleteObjects": "The CDK's own resource: its function reads the properties.",
}

"""Storage bucket of uploads, results, previews, assets, and the endpoint's inputs and outputs."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_lambda import Function
from aws_cdk.aws_s3 import (
    BlockPublicAccess,
    Bucket,
    BucketEncryption,
    CfnBucket,
    CorsRule,
    HttpMethods,
    LifecycleRule,
    ObjectOwnership,
)
from aws_cdk.aws_sqs import Queue
from constructs import Construct

from infra.config import Config
from infra.constructs.functions import allow, allow_in_own_policy, removal_policy
from infra.constructs.nag_findings import acknowledge, logical_id
from infra.names import ASSETS, INTERMEDIATES, INVOCATIONS, OUTCOMES, PREVIEWS, RESULTS, UPLOADS

_ENDPOINT_DAYS = 7  # long enough to examine a failure; not longer, since they refer to personal pictures


class Storage(Construct):
    """One private bucket. Every prefix has a lifecycle rule, except callers' assets."""

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        lifetimes = {
            UPLOADS: config.upload_days,
            RESULTS: config.retention_days,
            PREVIEWS: config.preview_days,
            INTERMEDIATES: _ENDPOINT_DAYS,
            INVOCATIONS: _ENDPOINT_DAYS,
            OUTCOMES: _ENDPOINT_DAYS,
        }
        prefixes = (*lifetimes, ASSETS)
        self.bucket = Bucket(
            self,
            "Pictures",
            encryption=BucketEncryption.S3_MANAGED,
            # The emulator serves plain HTTP on the loopback interface, which this policy would deny.
            enforce_ssl=not config.local,
            minimum_tls_version=None if config.local else 1.2,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=removal_policy(destroy=config.destroy),
            # S3 deletes only empty buckets. A local stack's objects go with its folder.
            auto_delete_objects=config.destroy and not config.local,
            lifecycle_rules=[
                LifecycleRule(id="multipart", abort_incomplete_multipart_upload_after=Duration.days(1)),
                *(
                    LifecycleRule(id=prefix.rstrip("/"), prefix=prefix, expiration=Duration.days(days))
                    for prefix, days in lifetimes.items()
                ),
            ],
            cors=[
                CorsRule(
                    allowed_methods=[HttpMethods.POST, HttpMethods.GET, HttpMethods.HEAD],
                    allowed_origins=config.origins,
                    allowed_headers=["*"],
                    exposed_headers=["ETag"],
                    max_age=3600,
                )
            ],
        )
        acknowledge(
            self.bucket,
            "AwsSolutions-S1",
            reason="Access logs would hold callers' addresses and picture keys for longer than the pictures live; "
            "an operator who must audit reads turns on CloudTrail data events for the account.",
        )

        acknowledge(
            Stack.of(self),
            *(f"AwsSolutions-IAM5[Resource::<{logical_id(self.bucket)}.Arn>/{prefix}*]" for prefix in prefixes),
            reason="A role is given one prefix, not the bucket; below it the names are ids, which no policy knows.",
        )

    def arn(self, prefix: str) -> str:
        """Return the ARN of all objects under a prefix."""
        return self.bucket.arn_for_objects(f"{prefix}*")

    def allow_list_bucket(self) -> PolicyStatement:
        """Allow ListBucket on the whole bucket; without it, S3 responds 403 instead of 404 for missing objects.

        A condition on ``s3:prefix`` cannot narrow it. GetObject and HeadObject have no prefix, so the condition would
        not hold, and missing objects would be 403 again. ``StringLikeIfExists`` would hold, but also for a listing
        without a prefix. What the right shows is keys, which are ids; reading an object takes a right on its prefix.
        """
        return PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket.bucket_arn])

    def allow_replacing_uploads(self, scope: Construct, function: Function) -> None:
        """Allow a function to put a cleaned picture in place of an upload or an asset."""
        statement = allow(["s3:PutObject"], [self.arn(UPLOADS), self.arn(ASSETS)])
        allow_in_own_policy(scope, "ReplaceUploads", statement, function)

    def notify_of_uploads(self, queue: Queue) -> None:
        """Send a message to ``queue`` for every object created under ``uploads/`` and ``assets/``."""
        notify_of_objects(self.bucket, queue, (UPLOADS, ASSETS))


def notify_of_objects(bucket: Bucket, queue: Queue, prefixes: Sequence[str]) -> None:
    """Send a message to ``queue`` for every object created in ``bucket`` under one of ``prefixes``."""
    # Conditional on the account, not the bucket's name: that would be a circular dependency, since S3 checks its
    # right to send when the notification is created.
    queue.add_to_resource_policy(
        PolicyStatement(
            principals=[ServicePrincipal("s3.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"StringEquals": {"aws:SourceAccount": bucket.env.account}},
        )
    )
    cfn = bucket.node.default_child
    assert isinstance(cfn, CfnBucket)
    cfn.notification_configuration = CfnBucket.NotificationConfigurationProperty(
        queue_configurations=[
            CfnBucket.QueueConfigurationProperty(
                event="s3:ObjectCreated:*",
                queue=queue.queue_arn,
                filter=CfnBucket.NotificationFilterProperty(
                    s3_key=CfnBucket.S3KeyFilterProperty(
                        rules=[CfnBucket.FilterRuleProperty(name="prefix", value=prefix)]
                    )
                ),
            )
            for prefix in prefixes
        ]
    )
    policy = queue.node.find_child("Policy").node.default_child
    assert policy is not None
    cfn.node.add_dependency(policy)

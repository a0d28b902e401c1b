"""Model data: uncompressed model files in S3, so that an instance need not unpack an archive at its start."""

import re

from aws_cdk import Stack
from aws_cdk.aws_iam import Policy, PolicyStatement, Role
from aws_cdk.aws_sagemaker import CfnModel
from constructs import Construct

from infra.config import ConfigError
from infra.constructs.functions import allow
from infra.constructs.nag_findings import acknowledge

_PREFIX = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<prefix>[^*?]+/)")


class ModelData(Construct):
    """``source`` is the model's data source; ``policy`` lets ``role`` read it.

    ``uri`` is the output of ``darkroom models push``, in a bucket of the endpoint's region. SageMaker puts its objects
    under ``/opt/ml/model``. ``key_arn`` is the KMS key that encrypts them, if it is a key of the customer. Raises
    ``ConfigError`` for anything that is not ``s3://BUCKET/PREFIX/``.
    """

    def __init__(self, scope: Construct, id: str, *, uri: str, role: Role, key_arn: str | None) -> None:  # noqa: A002
        super().__init__(scope, id)
        match = _PREFIX.fullmatch(uri)
        if match is None:
            raise ConfigError(f"context model_data: {uri!r} is not s3://BUCKET/PREFIX/ (with its slash at the end)")
        self.source = CfnModel.ModelDataSourceProperty(
            s3_data_source=CfnModel.S3DataSourceProperty(s3_uri=uri, s3_data_type="S3Prefix", compression_type="None")
        )
        bucket = Stack.of(self).format_arn(service="s3", region="", account="", resource=match["bucket"])
        self.policy = Policy(
            self,
            "Read",
            roles=[role],
            statements=[
                allow(["s3:GetObject"], [f"{bucket}/{match['prefix']}*"]),
                PolicyStatement(
                    actions=["s3:ListBucket"],
                    resources=[bucket],
                    conditions={"StringLike": {"s3:prefix": f"{match['prefix']}*"}},
                ),
                *([allow(["kms:Decrypt"], [key_arn])] if key_arn else []),
            ],
        )
        acknowledge(
            self.policy,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{match['bucket']}/{match['prefix']}*]",
            reason="The files below one prefix, which are the models.",
        )

"""Studio stack: the web app in a private bucket behind CloudFront.

It is a separate stack because the service does not depend on it.
"""

import json
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk.aws_certificatemanager import Certificate
from aws_cdk.aws_cloudfront import (
    BehaviorOptions,
    CachePolicy,
    Distribution,
    ErrorResponse,
    HeadersReferrerPolicy,
    HttpVersion,
    ResponseCustomHeader,
    ResponseCustomHeadersBehavior,
    ResponseHeadersContentSecurityPolicy,
    ResponseHeadersContentTypeOptions,
    ResponseHeadersPolicy,
    ResponseHeadersReferrerPolicy,
    ResponseHeadersStrictTransportSecurity,
    ResponseSecurityHeadersBehavior,
    S3OriginAccessControl,
    SecurityPolicyProtocol,
    ViewerProtocolPolicy,
)
from aws_cdk.aws_cloudfront_origins import S3BucketOrigin
from aws_cdk.aws_logs import LogGroup
from aws_cdk.aws_s3 import BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership
from aws_cdk.aws_s3_deployment import BucketDeployment, CacheControl, Source
from constructs import Construct

from infra.bundling import studio
from infra.config import Config
from infra.constructs.api_urls import cognito_origin
from infra.constructs.functions import RETENTION, removal_policy
from infra.constructs.nag_findings import acknowledge, logical_id
from infra.stacks.core import CoreStack
from infra.studio_headers import (
    ASSETS,
    CONFIG,
    INDEX,
    STRICT_TRANSPORT_SECONDS,
    ConnectOrigins,
    cache_control,
    security_headers,
)

_COPY_MEMORY = 256  # MB
# Headers with their own fields in CloudFront, which rejects them as custom headers.
_WITH_FIELDS = (
    "Content-Security-Policy",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
)


class StudioStack(Stack):
    """Bucket, distribution, and the built studio. Raises ``BuildError`` when the studio cannot be built."""

    def __init__(self, scope: Construct, id: str, *, config: Config, core: CoreStack) -> None:  # noqa: A002
        super().__init__(scope, id, stack_name=f"{config.stack_name}-studio", description="Darkroom: the studio")
        self._config = config
        self._core = core
        # CloudFront's names are global to the account, and one stage may be deployed to several regions.
        self._global_name = f"{self.stack_name}-{self.region}"
        self.bucket = self._bucket()
        self.distribution = self._distribution()
        self._deploy(studio.build_studio())
        name = config.studio_domain or self.distribution.distribution_domain_name
        CfnOutput(self, "StudioUrl", value=f"https://{name}")

    def _bucket(self) -> Bucket:
        destroy = self._config.destroy
        bucket = Bucket(
            self,
            "Pages",
            encryption=BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=removal_policy(destroy=destroy),
            auto_delete_objects=destroy,  # S3 deletes only empty buckets
        )
        acknowledge(
            bucket,
            "AwsSolutions-S1",
            reason="Only CloudFront reads it, and it holds one public page for all users.",
        )
        return bucket

    def _connect_origins(self) -> ConnectOrigins:
        core = self._core
        pictures = core.storage.bucket
        if self._config.issuer:
            parts = urlsplit(core.identity.issuer)
            identity = f"{parts.scheme}://{parts.netloc}"
        else:
            identity = cognito_origin(self)
        return ConnectOrigins(
            api=core.api.url,
            socket=core.websocket.api.api_endpoint,
            storage=(
                f"https://{pictures.bucket_regional_domain_name}",
                f"https://{pictures.bucket_domain_name}",
            ),
            identity=identity,
        )

    def _headers(self) -> ResponseHeadersPolicy:
        headers = security_headers(self._connect_origins(), https=True)
        return ResponseHeadersPolicy(
            self,
            "Headers",
            response_headers_policy_name=self._global_name,
            comment="The studio's security headers",
            security_headers_behavior=ResponseSecurityHeadersBehavior(
                content_security_policy=ResponseHeadersContentSecurityPolicy(
                    content_security_policy=headers["Content-Security-Policy"], override=True
                ),
                strict_transport_security=ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=Duration.seconds(STRICT_TRANSPORT_SECONDS), override=True
                ),
                content_type_options=ResponseHeadersContentTypeOptions(override=True),
                referrer_policy=ResponseHeadersReferrerPolicy(
                    referrer_policy=HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
            ),
            custom_headers_behavior=ResponseCustomHeadersBehavior(
                custom_headers=[
                    ResponseCustomHeader(header=name, value=value, override=True)
                    for name, value in headers.items()
                    if name not in _WITH_FIELDS
                ]
            ),
        )

    def _distribution(self) -> Distribution:
        config = self._config
        certificate = (
            Certificate.from_certificate_arn(self, "Certificate", config.studio_certificate)
            if config.studio_certificate
            else None
        )
        access = S3OriginAccessControl(self, "Access", origin_access_control_name=self._global_name)
        distribution = Distribution(
            self,
            "Distribution",
            comment=f"{config.stack_name}: the studio",
            default_root_object=INDEX,
            default_behavior=BehaviorOptions(
                origin=S3BucketOrigin.with_origin_access_control(self.bucket, origin_access_control=access),
                viewer_protocol_policy=ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                cache_policy=CachePolicy.CACHING_OPTIMIZED,
                response_headers_policy=self._headers(),
                compress=True,
            ),
            # The app handles its own routes. S3 responds 403 for missing files, since CloudFront may not list.
            error_responses=[
                ErrorResponse(
                    http_status=status,
                    response_http_status=200,
                    response_page_path=f"/{INDEX}",
                    ttl=Duration.seconds(0),
                )
                for status in (403, 404)
            ],
            http_version=HttpVersion.HTTP2_AND_3,
            minimum_protocol_version=SecurityPolicyProtocol.TLS_V1_2_2021,
            domain_names=[config.studio_domain] if config.studio_domain else None,
            certificate=certificate,
        )
        acknowledge(
            distribution,
            "AwsSolutions-CFR1",
            reason="The operator decides who gets an account; countries are not restricted.",
        )
        acknowledge(
            distribution,
            "AwsSolutions-CFR2",
            reason="It serves static files only; the API has its own limits and throttling.",
        )
        acknowledge(
            distribution,
            "AwsSolutions-CFR3",
            reason="Access logs would hold visitors' addresses; every call that matters is in the API's own log.",
        )
        if certificate is None:
            acknowledge(
                distribution,
                "AwsSolutions-CFR4",
                reason="Under CloudFront's own name its certificate and protocols apply; studio_domain brings others.",
            )
        return distribution

    def _deploy(self, built: Path) -> None:
        """Copy the files to the bucket; the page is last, so that everything it refers to exists.

        Old files are kept: pages opened before a deployment still need them.
        """
        config = {
            "deployment": self._config.stage,
            "api_url": self._core.api.url,
            "identity_url": None,
            "local_user": None,
        }
        files = Source.asset(str(built))
        logs = LogGroup(self, "Logs", retention=RETENTION[self._config.log_days], removal_policy=RemovalPolicy.DESTROY)
        copy = partial(
            BucketDeployment,
            self,
            destination_bucket=self.bucket,
            prune=False,
            memory_limit=_COPY_MEMORY,
            log_group=logs,
        )
        assets = copy(
            "Assets", sources=[files], exclude=["*"], include=[f"{ASSETS}*"], cache_control=_cached(f"{ASSETS}any")
        )
        others = copy("Others", sources=[files], exclude=[f"{ASSETS}*", INDEX], cache_control=_cached("any"))
        page = copy(
            "Page",
            sources=[files, Source.data(CONFIG, json.dumps(config))],
            exclude=["*"],
            include=[INDEX, CONFIG],
            cache_control=_cached(INDEX),
            distribution=self.distribution,
            distribution_paths=["/*"],
        )
        page.node.add_dependency(assets, others)
        self._acknowledge_copying()

    def _acknowledge_copying(self) -> None:
        (function,) = (child for child in self.node.children if child.node.id.startswith("Custom::CDKBucketDeployment"))
        acknowledge(
            function,
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
            "AwsSolutions-L1",
            reason="The CDK's own function, with the runtime that this version of the CDK was tested on.",
        )
        acknowledge(
            function,
            *(
                f"AwsSolutions-IAM5[{finding}]"
                for finding in (
                    "Action::s3:Abort*",
                    "Action::s3:DeleteObject*",
                    "Action::s3:GetBucket*",
                    "Action::s3:GetObject*",
                    "Action::s3:List*",
                    f"Resource::<{logical_id(self.bucket)}.Arn>/*",
                    "Resource::arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*",
                )
            ),
            reason="It runs only during a deployment, and copies the built files into a bucket of public files.",
        )
        acknowledge(
            function,
            "AwsSolutions-IAM5[Resource::*]",
            reason="The CDK lets it invalidate any distribution, which only causes files to be fetched again.",
        )


def _cached(path: str) -> list[CacheControl]:
    return [CacheControl.from_string(cache_control(path))]

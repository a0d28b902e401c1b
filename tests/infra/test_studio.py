"""Studio stack: a private bucket behind CloudFront."""

import json
from typing import Any

from infra.studio_headers import ConnectOrigins, cache_control, content_security_policy, security_headers
from tests.infra.template import Assembly, Template, text


def policy_of(template: Template) -> dict[str, list[str]]:
    """The content security policy: each directive's sources, references written out."""
    headers = template.only("CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    whole = text(headers["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"])
    return {words[0]: words[1:] for words in (part.split() for part in whole.split("; "))}


def test_only_the_distribution_reads_the_bucket(studio: Template) -> None:
    bucket = studio.only("S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    statements = studio.only("S3::BucketPolicy")["PolicyDocument"]["Statement"]
    allowed = [
        statement
        for statement in statements
        if statement["Effect"] == "Allow" and statement["Action"] == "s3:GetObject"
    ]
    (statement,) = allowed
    assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert studio.name_of("CloudFront::Distribution") in text(statement["Condition"]["StringEquals"]["AWS:SourceArn"])
    (origin,) = studio.only("CloudFront::Distribution")["DistributionConfig"]["Origins"]
    assert text(origin["OriginAccessControlId"]) == studio.name_of("CloudFront::OriginAccessControl")


def test_the_studio_uses_https_and_serves_the_page_for_every_route(studio: Template) -> None:
    config = studio.only("CloudFront::Distribution")["DistributionConfig"]
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert config["DefaultCacheBehavior"]["Compress"] is True
    assert (config["HttpVersion"], config["DefaultRootObject"]) == ("http2and3", "index.html")
    assert {
        (answer["ErrorCode"], answer["ResponseCode"], answer["ResponsePagePath"])
        for answer in config["CustomErrorResponses"]
    } == {(403, 200, "/index.html"), (404, 200, "/index.html")}
    assert "Aliases" not in config


def test_the_csp_allows_connections_to_the_service_only(studio: Template) -> None:
    policy = policy_of(studio)
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    own, blob, api, socket, regional, whole, identity = policy["connect-src"]
    assert (own, blob) == ("'self'", "blob:")
    assert "Http" in api
    assert "Socket" in socket
    assert (regional, whole) == tuple(policy["img-src"][3:]) == tuple(policy["media-src"][2:])
    assert identity == "https://cognito-idp.AWS::Region.AWS::URLSuffix"


def test_the_csp_allows_connections_to_a_configured_issuer(own: Assembly) -> None:
    assert policy_of(own["studio"])["connect-src"][-1] == "https://issuer.example"


def test_cloudfront_and_the_local_server_send_the_same_headers(studio: Template) -> None:
    config = studio.only("CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    security = config["SecurityHeadersConfig"]
    found = {item["Header"]: item["Value"] for item in config["CustomHeadersConfig"]["Items"]}
    found["Referrer-Policy"] = security["ReferrerPolicy"]["ReferrerPolicy"]
    found["Strict-Transport-Security"] = f"max-age={security['StrictTransportSecurity']['AccessControlMaxAgeSec']}"
    assert security["ContentTypeOptions"] == {"Override": True}
    found["X-Content-Type-Options"] = "nosniff"
    wanted = security_headers(ConnectOrigins(api="", socket="", storage=(), identity=""), https=True)
    del wanted["Content-Security-Policy"]
    assert found == wanted


def copies(template: Template) -> dict[str, dict[str, Any]]:
    """Files copied into the bucket, by their cache policy."""
    kind = "Custom::CDKBucketDeployment"
    made = [resource["Properties"] for resource in template.resources.values() if resource["Type"] == kind]
    return {properties["SystemMetadata"]["cache-control"]: properties for properties in made}


def test_assets_are_immutable_and_the_page_is_revalidated(studio: Template) -> None:
    made = copies(studio)
    assert set(made) == {cache_control(path) for path in ("assets/index-1a2b3c.js", "index.html", "icon.svg")}
    page = made["no-cache"]
    assert page["Include"] == ["index.html", "config.json"]
    assert page["DistributionPaths"] == ["/*"]
    assert all(properties["Prune"] is False for properties in made.values())


def test_the_studios_configuration_names_the_deployment(studio: Template) -> None:
    page = copies(studio)["no-cache"]
    assert len(page["SourceMarkers"]) == 2
    markers = page["SourceMarkers"][1]
    assert any("Http" in text(value) for value in markers.values())


def test_a_configured_domain_is_used(own: Assembly) -> None:
    config = own["studio"].only("CloudFront::Distribution")["DistributionConfig"]
    assert config["Aliases"] == ["studio.example.com"]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert own["studio"].content["Outputs"]["StudioUrl"]["Value"] == "https://studio.example.com"


def test_destroy_empties_the_bucket(own: Assembly, studio: Template) -> None:
    def emptied(template: Template) -> list[str]:
        made = template.resources.values()
        return [
            text(each["Properties"]["BucketName"]) for each in made if each["Type"] == "Custom::S3AutoDeleteObjects"
        ]

    assert emptied(own["studio"]) == [own["studio"].name_of("S3::Bucket")]
    assert emptied(studio) == []


def test_global_names_contain_the_region(studio: Template) -> None:
    """CloudFront's names are the account's."""
    policy = studio.only("CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    access = studio.only("CloudFront::OriginAccessControl")["OriginAccessControlConfig"]
    assert {text(policy["Name"]), text(access["Name"])} == {"darkroom-test-studio-AWS::Region"}


def test_the_csp_lists_each_source_once() -> None:
    here = "http://127.0.0.1:4566"
    policy = content_security_policy(
        ConnectOrigins(api=here, socket="ws://127.0.0.1:4566", storage=(here,), identity=here)
    )
    assert policy.count(here) == 3  # pictures, media, connections
    assert json.dumps(policy).isascii()

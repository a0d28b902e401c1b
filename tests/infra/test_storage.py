"""Bucket: private, encrypted, and with an expiry for all temporary objects."""

import pytest

from tests.infra.template import Template, text


def test_the_bucket_denies_plain_http(core: Template) -> None:
    (denied,) = [
        statement
        for statement in core.only("S3::BucketPolicy")["PolicyDocument"]["Statement"]
        if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    ]
    assert denied["Effect"] == "Deny"
    assert denied["Action"] == "s3:*"
    assert denied["Principal"] == {"AWS": "*"}


def test_the_bucket_blocks_public_access(core: Template) -> None:
    blocked = core.only("S3::Bucket")["PublicAccessBlockConfiguration"]
    assert all(blocked[name] for name in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls"))
    assert blocked["RestrictPublicBuckets"]


def test_the_bucket_is_encrypted(core: Template) -> None:
    (rule,) = core.only("S3::Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


@pytest.mark.parametrize(
    ("prefix", "days"), [("uploads/", 7), ("results/", 30), ("previews/", 1), ("invocations/", 7), ("outcomes/", 7)]
)
def test_every_prefix_but_assets_expires(core: Template, prefix: str, days: int) -> None:
    rules = core.only("S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") == prefix] == [days]


def test_incomplete_multipart_uploads_are_aborted(core: Template) -> None:
    rules = core.only("S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert {"DaysAfterInitiation": 1} in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]


def test_results_expire_with_their_jobs(other_issuer: Template) -> None:
    rules = other_issuer.only("S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") == "results/"] == [90]
    assert other_issuer.function("api")["Environment"]["Variables"]["RETENTION_DAYS"] == "90"


def test_cors_allows_uploads_only_from_the_configured_origins(core: Template, other_issuer: Template) -> None:
    (rule,) = other_issuer.only("S3::Bucket")["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedOrigins"] == ["https://app.example", "https://www.app.example"]
    assert "POST" in rule["AllowedMethods"]
    assert "DELETE" not in rule["AllowedMethods"]
    assert rule["MaxAge"] == 3600, "a browser asks once an hour before it uploads"


def test_s3_may_notify_the_queue_of_uploads_and_assets_only(core: Template) -> None:
    bucket = core.only("S3::Bucket")
    announced = bucket["NotificationConfiguration"]["QueueConfigurations"]
    rules = [rule for each in announced for rule in each["Filter"]["S3Key"]["Rules"]]
    assert rules == [{"Name": "prefix", "Value": "uploads/"}, {"Name": "prefix", "Value": "assets/"}]
    (queue,) = {text(each["Queue"]) for each in announced}
    granted = [
        statement
        for _, policy in core.of_type("SQS::QueuePolicy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "s3.amazonaws.com"}
    ]
    assert [(statement["Action"], text(statement["Resource"])) for statement in granted] == [("sqs:SendMessage", queue)]


def test_the_bucket_is_retained_unless_destroy_is_set(core: Template, other_issuer: Template) -> None:
    ((_, kept),) = core.of_type("S3::Bucket")
    ((_, dropped),) = other_issuer.of_type("S3::Bucket")
    assert (kept["DeletionPolicy"], dropped["DeletionPolicy"]) == ("RetainExceptOnCreate", "Delete")


def test_destroy_empties_the_bucket_first(core: Template, other_issuer: Template, local: Template) -> None:
    def emptied(template: Template) -> list[object]:
        return [
            each["Properties"]["BucketName"]
            for each in template.resources.values()
            if each["Type"] == "Custom::S3AutoDeleteObjects"
        ]

    ((bucket, _),) = other_issuer.of_type("S3::Bucket")
    assert emptied(other_issuer) == [{"Ref": bucket}]
    assert emptied(core) == []
    assert emptied(local) == []


def test_a_first_deployment_that_fails_leaves_nothing_behind(core: Template) -> None:
    policies = {
        (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        for kind in ("S3::Bucket", "DynamoDB::Table", "Cognito::UserPool")
        for _, resource in core.of_type(kind)
    }
    # The table of WebSocket connections is never kept.
    assert policies == {("RetainExceptOnCreate", "Retain"), ("Delete", "Delete")}

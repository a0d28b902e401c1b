"""Least privilege: which roles alone may do what harms most, and the rights that an option brings.

That a role allows what its calls need, and no more, is in ``test_role_rights.py``.
"""

import pytest

from infra.names import FUNCTIONS
from tests.infra.template import Template, listed, text

BEDROCK = "arn:aws:bedrock:"
WRITES = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem")


@pytest.fixture(scope="session")
def bucket(core: Template) -> str:
    return core.name_of("S3::Bucket")


@pytest.fixture(scope="session")
def jobs(core: Template) -> str:
    return core.name_of("DynamoDB::Table", "JobsTable")


@pytest.fixture(scope="session")
def ledger(core: Template) -> str:
    return core.name_of("DynamoDB::Table", "LedgerTable")


@pytest.fixture(scope="session")
def library(core: Template) -> str:
    return core.name_of("DynamoDB::Table", "LibraryTable")


@pytest.fixture(scope="session")
def sockets(core: Template) -> str:
    return core.name_of("DynamoDB::Table", "JobsSockets")


def test_the_api_reads_and_copies_pictures_and_deletes_only_assets(core: Template, bucket: str) -> None:
    for prefix in ("uploads", "assets"):
        assert core.function_may("api", "s3:PutObject", f"{bucket}/{prefix}/x")
    assert core.function_may("api", "s3:GetObject", f"{bucket}/results/x/result.jpg")
    assert not core.function_may("api", "s3:PutObject", f"{bucket}/results/x/result.jpg")
    deletable = [
        p for p in ("uploads", "assets", "results") if core.function_may("api", "s3:DeleteObject", f"{bucket}/{p}/x")
    ]
    assert deletable == ["assets"]


def test_the_api_deletes_rows_only_in_the_assets_table(core: Template, jobs: str, ledger: str, library: str) -> None:
    may = [table for table in (jobs, ledger, library) if core.function_may("api", "dynamodb:DeleteItem", table)]
    assert may == [library]


def test_nobody_scans_a_table(core: Template) -> None:
    assert [name for name in FUNCTIONS if "dynamodb:Scan" in core.function_actions(name)] == []


def test_the_container_writes_only_its_report_rows_in_the_ledger(core: Template, ledger: str) -> None:
    (statement,) = [
        statement
        for statement in core.statements("ContainerRole")
        if any(text(each) == ledger for each in listed(statement["Resource"]))
    ]
    assert statement["Action"] == "dynamodb:PutItem"
    assert statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"] == ["engines", "instances"]


def test_only_ended_puts_events(core: Template) -> None:
    assert [name for name in FUNCTIONS if "events:PutEvents" in core.function_actions(name)] == ["ended"]


def test_without_a_configured_model_bedrock_is_not_allowed(core: Template) -> None:
    assert "bedrock:InvokeModel" not in core.function_actions("api")


@pytest.mark.parametrize(
    ("model", "resources"),
    [
        ("anthropic.claude-v1:0", ["AWS::Region::foundation-model/anthropic.claude-v1:0"]),
        (
            "jp.anthropic.claude-v1:0",
            [
                "*::foundation-model/anthropic.claude-v1:0",
                "AWS::Region:AWS::AccountId:inference-profile/jp.anthropic.claude-v1:0",
            ],
        ),
        (f"{BEDROCK}eu-west-1::foundation-model/x", ["eu-west-1::foundation-model/x"]),
        (
            f"{BEDROCK}eu-west-1:123456789012:application-inference-profile/x",
            ["*::foundation-model/*", "eu-west-1:123456789012:application-inference-profile/x"],
        ),
    ],
)
def test_only_the_configured_bedrock_model_and_its_profile_are_allowed(model: str, resources: list[str]) -> None:
    from aws_cdk import App, Stack  # noqa: PLC0415 - only tests that need a template pay for the CDK

    from infra.constructs.api import _bedrock  # noqa: PLC0415

    stack = Stack(App(), "Stack")
    statements = [stack.resolve(each.to_statement_json()) for each in _bedrock(stack, model)]
    asked = [text(resource) for each in statements for resource in listed(each["Resource"])]
    assert [each.partition(":bedrock:")[2] for each in asked] == resources
    for each in statements:
        assert each["Action"] == "bedrock:InvokeModel"
        if "foundation-model/*" in text(each["Resource"]):
            assert each["Condition"] == {"StringEquals": {"bedrock:InferenceProfileArn": model}}


def test_intermediates_belong_to_the_container_and_only_ended_deletes_them(core: Template, bucket: str) -> None:
    part = f"{bucket}/intermediates/x/scene.mp4"
    container = core.statements("ContainerRole")
    able = {
        action
        for statement in container
        for action in listed(statement["Action"])
        if any(text(each).endswith("/intermediates/*") for each in listed(statement["Resource"]))
    }
    assert able == {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    assert [name for name in FUNCTIONS if core.function_may(name, "s3:DeleteObject", part)] == ["ended"]
    assert not [name for name in FUNCTIONS if core.function_may(name, "s3:GetObject", part)]


def test_finished_and_ended_delete_results(core: Template, bucket: str) -> None:
    result = f"{bucket}/results/x/result.jpg"
    assert [name for name in FUNCTIONS if core.function_may(name, "s3:DeleteObject", result)] == ["ended", "finished"]


def test_polly_is_allowed_only_if_it_is_configured(core: Template) -> None:
    assert not [each for each in core.statements("ContainerRole") if "polly:SynthesizeSpeech" in listed(each["Action"])]


def test_only_uploaded_reads_and_deletes_uploads(core: Template, bucket: str) -> None:
    may = [name for name in FUNCTIONS if core.function_may(name, "s3:DeleteObject", f"{bucket}/uploads/x/photo")]
    assert may == ["uploaded"]
    assert not core.function_may("uploaded", "s3:DeleteObject", f"{bucket}/results/x/result.jpg")


def test_only_dispatch_calls_the_endpoint(core: Template) -> None:
    endpoint = "arn:AWS::Partition:sagemaker:AWS::Region:AWS::AccountId:endpoint/darkroom-test-g4dn-xlarge"
    may = [name for name in FUNCTIONS if core.function_may(name, "sagemaker:InvokeEndpointAsync", endpoint)]
    assert may == ["dispatch"]
    assert not core.function_may("dispatch", "sagemaker:InvokeEndpointAsync", endpoint + "-other")


def test_only_functions_that_report_it_describe_the_endpoint(core: Template) -> None:
    endpoint = "arn:AWS::Partition:sagemaker:AWS::Region:AWS::AccountId:endpoint/darkroom-test-g4dn-xlarge"
    may = [name for name in FUNCTIONS if core.function_may(name, "sagemaker:DescribeEndpoint", endpoint)]
    assert may == ["api", "dispatch", "sweep"]
    assert not core.function_may("dispatch", "sagemaker:DescribeEndpoint", endpoint + "-other")


def test_only_sweep_describes_the_deployments_former_endpoints(core: Template) -> None:
    names = "arn:AWS::Partition:sagemaker:AWS::Region:AWS::AccountId:endpoint/"
    for former in ("darkroom-test", "darkroom-test-g5-xlarge"):
        may = [name for name in FUNCTIONS if core.function_may(name, "sagemaker:DescribeEndpoint", names + former)]
        assert may == ["sweep"]
    assert not core.function_may("sweep", "sagemaker:DescribeEndpoint", names + "darkroom-testing-g5-xlarge")


@pytest.mark.parametrize(
    ("function", "rows"),
    [
        (
            "dispatch",
            {
                "waking#darkroom-test-g4dn-xlarge": ["GetItem", "UpdateItem"],
                "videos#darkroom-test-g4dn-xlarge": ["DeleteItem", "UpdateItem"],
                "guard#darkroom-test": ["GetItem"],
            },
        ),
        (
            "finished",
            {
                "waking#darkroom-test-g4dn-xlarge": ["GetItem", "UpdateItem"],
                "videos#darkroom-test-g4dn-xlarge": ["DeleteItem"],
            },
        ),
    ],
)
def test_functions_access_only_their_own_rows_of_the_sockets_table(
    core: Template, sockets: str, function: str, rows: dict[str, list[str]]
) -> None:
    role = core.function(function)["Role"]["Fn::GetAtt"][0]
    found = {}
    for statement in core.statements(role):
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        if any(text(resource).startswith(sockets) for resource in resources):
            (row,) = statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
            assert statement["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            found[row] = [action.removeprefix("dynamodb:") for action in actions]
    assert found == rows


def test_only_socket_and_push_post_to_connections_and_close_them(core: Template) -> None:
    may = [name for name in FUNCTIONS if "execute-api:ManageConnections" in core.function_actions(name)]
    assert sorted(may) == ["push", "socket"]
    resources = {
        text(resource).rpartition("/live/")[2]
        for name in may
        for statement in core.statements(core.function(name)["Role"]["Fn::GetAtt"][0])
        if statement["Action"] == "execute-api:ManageConnections"
        for resource in listed(statement["Resource"])
    }
    assert resources == {"POST/@connections/*", "DELETE/@connections/*"}


def test_push_and_socket_change_only_the_subscribers_of_a_job(core: Template, jobs: str, sockets: str) -> None:
    for name in ("push", "socket"):
        assert [action for action in WRITES if core.function_may(name, action, jobs)] == ["dynamodb:UpdateItem"]
        assert not any(core.function_may(name, action, sockets) for action in (*WRITES, "dynamodb:GetItem"))
        statements = core.statements(core.function(name)["Role"]["Fn::GetAtt"][0])
        (update,) = [each for each in statements if each["Action"] == "dynamodb:UpdateItem"]
        named = update["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
        assert set(named) == {"job_id", "owner", "due_shard", "seq", "subscribers", "subscribed_seq"}


def test_only_sagemaker_assumes_the_containers_role_in_the_cloud(core: Template, local: Template) -> None:
    def principals(template: Template) -> set[str]:
        statements = template.only("IAM::Role", "ContainerRole")["AssumeRolePolicyDocument"]["Statement"]
        return {kind for statement in statements for kind in statement["Principal"]}

    assert principals(core) == {"Service"}
    assert principals(local) == {"Service", "AWS"}

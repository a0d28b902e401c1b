"""Templates in China and GovCloud: no name of another partition, and no resource that the partition lacks."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.loaders import create_loader

from infra.names import ECR_IMAGE
from tests.infra.template import Assembly, Template

REGIONS = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
# Principals of services have one name in every partition, and a certificate is named by the operator.
_GLOBAL = ("Service", "Principal", "AcmCertificateArn")


def suffixes() -> dict[str, str]:
    """The domain of each partition, from botocore's own list."""
    return {each["id"]: each["outputs"]["dnsSuffix"] for each in create_loader().load_data("partitions")["partitions"]}


def texts(value: Any, known: dict[str, str]) -> Iterator[str]:
    """The texts in a template, joined, with the pseudo parameters of a region."""
    match value:
        case str():
            yield re.sub(r"\$\{(AWS::\w+)\}", lambda name: known.get(name[1], name[0]), value)
        case {"Ref": name}:
            yield known.get(name, str(name))
        case {"Fn::Join": [between, [*parts]]}:
            yield str(between).join("".join(texts(part, known)) for part in parts)
        case dict():
            for name, member in value.items():
                if name not in _GLOBAL or isinstance(member, dict):
                    yield from texts(member, known)
        case list():
            for member in value:
                yield from texts(member, known)


def foreign(template: Template, partition: str) -> list[str]:
    """The texts of a template in which another partition is named."""
    suffix = suffixes()[partition]
    known = {"AWS::Partition": partition, "AWS::Region": REGIONS[partition], "AWS::URLSuffix": suffix}
    wrong = re.compile(rf"\barn:(?!{partition}:)aws|\.amazonaws\.(?!{suffix.removeprefix('amazonaws.')}(?![\w.]))")
    return [
        each for part in ("Resources", "Outputs") for each in texts(template.content[part], known) if wrong.search(each)
    ]


@pytest.mark.parametrize("partition", REGIONS)
@pytest.mark.parametrize("stack", ["core", "gpu", "studio"])
def test_no_template_names_another_partition(
    cloud: Assembly, own: Assembly, research: Assembly, stack: str, partition: str
) -> None:
    for deployment in (cloud, own, research):
        assert foreign(deployment[stack], partition) == []


def test_a_name_of_another_partition_is_found() -> None:
    joined = {"Fn::Join": ["", ["https://sqs.", {"Ref": "AWS::Region"}, ".amazonaws.com/x"]]}
    url = "https://sqs.cn-north-1.amazonaws.com/x"
    content = {"Resources": {"Role": {"Arn": "arn:aws:s3:::bucket"}, "Url": joined}, "Outputs": {}}
    assert foreign(Template(content), "aws-cn") == ["arn:aws:s3:::bucket", url]
    assert foreign(Template(content), "aws-us-gov") == ["arn:aws:s3:::bucket"]


def test_there_is_a_budget_except_in_govcloud_which_has_no_billing(gpu: Template) -> None:
    (budget,) = (resource for _, resource in gpu.of_type("Budgets::Budget"))
    condition = gpu.content["Conditions"][budget["Condition"]]
    assert condition == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws-us-gov"]}]}


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-eusc", "aws-us-gov"])
def test_images_in_the_registry_of_a_partition_are_known(partition: str) -> None:
    uri = f"111122223333.dkr.ecr.region-1.{suffixes()[partition]}/darkroom:1"
    match = ECR_IMAGE.fullmatch(uri)
    assert match is not None
    assert (match["account"], match["region"], match["name"]) == ("111122223333", "region-1", "darkroom")

"""cdk-nag's AwsSolutions rules on everything that goes to AWS; exceptions are explained next to their construct."""

from tests.infra.template import Assembly


def test_every_finding_is_answered(cloud: Assembly) -> None:
    assert cloud.findings == []


def test_every_finding_is_answered_with_an_issuer_and_a_domain_of_ones_own(own: Assembly) -> None:
    assert own.findings == []

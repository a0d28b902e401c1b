"""cdk-nag's AwsSolutions rules on everything that goes to AWS; exceptions are explained next to their construct."""

from tests.infra.template import Assembly


def test_every_finding_is_acknowledged(cloud: Assembly) -> None:
    assert cloud.findings == []


def test_every_finding_is_acknowledged_with_a_configured_issuer_and_domain(own: Assembly) -> None:
    assert own.findings == []


def test_every_finding_is_acknowledged_with_polly_bedrock_and_traces(research: Assembly) -> None:
    assert research.findings == []

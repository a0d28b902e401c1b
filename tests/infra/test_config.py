"""Context values of a deployment."""

import pytest

from infra.bundling.functions import ROOT
from infra.config import Config, ConfigError


def test_an_empty_context_is_valid() -> None:
    config = Config.read({})
    assert (config.stack_name, config.local, config.upload_days) == ("darkroom-main", False, 7)


def test_text_values_of_the_context_are_parsed() -> None:
    config = Config.read({"local": "true", "upload_seconds": "60", "origins": "https://a.example,https://b.example"})
    assert config.local is True
    assert config.upload_seconds == 60
    assert config.origins == ["https://a.example", "https://b.example"]


def test_the_toolkits_own_context_keys_are_ignored() -> None:
    Config.read({"aws:cdk:version-reporting": True, "@aws-cdk/aws-iam:minimizePolicies": True})


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"locl": "true"}, "did you mean 'local'"),
        ({"nonsense_entirely": "1"}, "known keys: stage"),
        ({"upload_seconds": "soon"}, "upload_seconds"),
        ({"instance_type": "t3.micro"}, "instance_type"),
        ({"max_instances": "0"}, "max_instances"),
        ({"models": "rt-detr-r18"}, "not JSON"),
        ({"models": '{"detector": "dpt-large"}'}, "no model 'dpt-large' for the role 'detector'"),
        ({"stage": "Main Stage"}, "stage"),
        ({"issuer": "https://issuer.example"}, "issuer and audience go together"),
        ({"jwks_url": "https://issuer.example/keys"}, "jwks_url needs an issuer"),
        ({"issuer": "http://issuer.example", "audience": "app"}, "issuer: .*'https'"),
        ({"issuer": "issuer.example", "audience": "app"}, "issuer: "),
        ({"issuer": "https://issuer.example?a=b", "audience": "app"}, "issuer: .*without query"),
        ({"alarm_email": "nobody"}, "alarm_email"),
        ({"daily_usd": "80", "stop_usd": "70"}, r"stop_usd \(70\) is below daily_usd \(80\)"),
        ({"daily_usd": "much"}, r"context daily_usd: [^;]*$"),
    ],
)
def test_an_invalid_context_is_rejected_with_the_reason(context: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Config.read(context)


@pytest.mark.parametrize("issuer", ["https://tenant.eu.auth0.com/", "https://accounts.example", "https://a.example/r"])
def test_an_issuer_is_kept_as_it_was_typed(issuer: str) -> None:
    assert Config.read({"issuer": issuer, "audience": "app"}).issuer == issuer


def test_the_stop_limit_defaults_to_twice_the_alarm_limit() -> None:
    assert [Config.read(context).stop_usd for context in ({}, {"daily_usd": "80"}, {"stop_usd": "60"})] == [
        100,
        160,
        60,
    ]


def test_the_documentation_explains_every_key() -> None:
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    missing = [name for name in Config.model_fields if name != "local" and f"| `{name}` |" not in text]
    assert missing == []

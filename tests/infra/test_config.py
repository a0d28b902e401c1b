"""Context values of a deployment."""

import json

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
        ({"instance_type": "ml.c6i.2xlarge"}, "instance_type: .*ml.c6i.2xlarge has no NVIDIA GPU"),
        ({"instance_type": "ml.inf2.xlarge"}, "has no NVIDIA GPU"),
        ({"instance_type": "ml.p3.2xlarge"}, "has no NVIDIA GPU for CUDA 13"),
        ({"instance_type": "ml.g5.12xlarge"}, "ml.g5.12xlarge is not in the table .*: give instance_usd_per_hour with"),
        ({"instance_type": "ml.g7e.2xlarge"}, "give instance_usd_per_hour and inference_ami with it"),
        ({"inference_ami": "al2-ami-sagemaker-inference-gpu-3-1"}, "has NVIDIA driver 550; the container needs 580"),
        ({"inference_ami": "al2-ami-sagemaker-inference-neuron-2"}, "has no NVIDIA driver"),
        ({"model_data_key": "alias/models", "model_data": "s3://m/v1/"}, "model_data_key"),
        ({"model_data_key": "arn:aws:kms:us-east-1:111122223333:key/0123"}, "model_data_key needs model_data"),
        ({"max_instances": "0"}, "max_instances"),
        ({"preview_on": "gpu"}, "preview_on: .*'lambda' or 'endpoint'"),
        ({"cpu_timeout_seconds": "901"}, "cpu_timeout_seconds"),
        ({"cpu_memory_mb": "20000"}, "cpu_memory_mb"),
        ({"cpu_architecture": "riscv"}, "cpu_architecture"),
        ({"models": "rt-detr-r18"}, "not JSON"),
        ({"models": '{"detector": "dpt-large"}'}, "no model 'dpt-large' for the role 'detector'"),
        ({"stage": "Main Stage"}, "stage"),
        ({"issuer": "https://issuer.example"}, "issuer and audience go together"),
        ({"jwks_url": "https://issuer.example/keys"}, "jwks_url needs an issuer"),
        ({"issuer": "http://issuer.example", "audience": "app"}, "issuer: .*'https'"),
        ({"issuer": "issuer.example", "audience": "app"}, "issuer: "),
        ({"issuer": "https://issuer.example?a=b", "audience": "app"}, "issuer: .*without query"),
        ({"origins": "https://app.example/"}, "'https://app.example/' is no web origin"),
        ({"origins": "https://app.example/page"}, "is no web origin"),
        ({"origins": "app.example"}, "is no web origin"),
        ({"origins": "https://App.example"}, "is no web origin"),
        ({"origins": "https://app.example:443"}, "is no web origin"),
        ({"origins": "https://*.example"}, "is no web origin"),
        ({"origins": "*,https://app.example"}, "allows every origin"),
        ({"log_days": "31"}, "log_days"),
        ({"log_days": "soon"}, "log_days"),
        ({"daily_usd": "inf"}, "daily_usd"),
        ({"owner_daily_usd": "nan"}, "owner_daily_usd"),
        ({"retention_days": "3", "cache_days": "4"}, r"cache_days \(4\) is above retention_days \(3\)"),
        ({"queue_limit_seconds": "60"}, r"queue_limit_seconds \(60\) is below queue_seconds \(120\)"),
        ({"stage": "main-"}, "may not end in a hyphen"),
        ({"stage": "main-gpu"}, "stacks of another stage"),
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


# What the command line gives: texts. Keys without a default have an example here.
EXAMPLES = {
    "issuer": "https://issuer.example/",
    "audience": "app",
    "jwks_url": "https://issuer.example/keys",
    "studio_domain": "studio.example.com",
    "studio_certificate": "arn:aws:acm:us-east-1:111122223333:certificate/0123",
    "model_data": "s3://our-models/darkroom/v1/",
    "model_data_key": "arn:aws:kms:eu-west-1:111122223333:key/0123-4567",
    "image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/darkroom:1",
    "cpu_image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/darkroom-cpu:1",
    "cpu_concurrency": "20",
    "alarm_email": "someone@example.com",
}


@pytest.mark.parametrize("name", Config.model_fields)
def test_every_key_takes_its_default_or_an_example_as_text(name: str) -> None:
    default = getattr(Config.read({}), name)
    if default is None:
        assert str(getattr(Config.read(EXAMPLES), name)) == EXAMPLES[name]
        return
    if isinstance(default, dict):
        text = json.dumps(default)
    elif isinstance(default, list):
        text = ",".join(map(str, default))
    else:
        text = str(default)
    read = getattr(Config.read({name: text}), name)
    assert (read, type(read)) == (default, type(default))


@pytest.mark.parametrize("days", ["1", "30", "365"])
def test_the_days_of_the_logs_are_a_number(days: str) -> None:
    assert Config.read({"log_days": days}).log_days == int(days)


@pytest.mark.parametrize(
    "origin", ["https://app.example", "http://127.0.0.1:5173", "http://[::1]:8080", "capacitor://localhost", "*"]
)
def test_web_origins_are_accepted(origin: str) -> None:
    assert Config.read({"origins": origin}).origins == [origin]


def test_results_are_not_reused_for_longer_than_they_are_kept() -> None:
    assert [Config.read(context).cache_days for context in ({}, {"retention_days": "3"})] == [7, 3]


def test_the_price_and_the_machine_image_follow_from_the_instance_type() -> None:
    read = [Config.read({"instance_type": f"ml.{name}"}) for name in ("g4dn.xlarge", "g5.2xlarge", "g6.xlarge")]
    assert [config.instance_usd_per_hour for config in read] == [0.7364, 1.515, 1.127]
    assert {config.inference_ami for config in read} == {"al2023-ami-sagemaker-inference-gpu-4-1"}
    assert Config.read({"instance_type": "ml.g5.xlarge", "instance_usd_per_hour": "1.6"}).instance_usd_per_hour == 1.6


def test_a_type_that_the_table_lacks_is_accepted_with_its_price_and_image() -> None:
    given = {"instance_type": "ml.g7e.2xlarge", "instance_usd_per_hour": "4.2", "inference_ami": "al2030-ami-gpu-5"}
    config = Config.read(given)
    assert (config.instance_usd_per_hour, config.inference_ami) == (4.2, "al2030-ami-gpu-5")
    assert config.endpoint_name == "darkroom-main-g7e-2xlarge"


def test_the_endpoint_of_a_local_stack_has_the_stacks_name() -> None:
    assert Config.read({"stage": "local", "local": "true"}).endpoint_name == "darkroom-local"


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

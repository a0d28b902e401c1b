"""Settings that a deployment would take away, read from templates as they are deployed."""

from typing import Any

import pytest

from infra.commands.deploy.options import PlannedDeployment
from infra.commands.deploy.settings_check import changed_settings, deployed_settings
from infra.config import Config
from tests.infra.template import Assembly

# As the fixture `cloud` has them.
GIVEN = {"alarm_email": "someone@example.com", "model_data": "s3://our-models/darkroom/v1/"}


@pytest.fixture(scope="module")
def deployed(cloud: Assembly) -> dict[str, str]:
    return deployed_settings([cloud[name].content for name in ("core", "gpu", "studio")])


def changed(deployed: dict[str, str], context: dict[str, Any]) -> list[str]:
    plan = PlannedDeployment(Config.read({"stage": "test"} | context), frozenset(context))
    return [str(each) for each in changed_settings(deployed, plan)]


def test_the_same_settings_change_nothing(deployed: dict[str, str]) -> None:
    assert changed(deployed, GIVEN) == []
    assert {"model_data", "instance_type", "max_instances", "stop_usd", "origins", "retention_days"} <= deployed.keys()


def test_forgotten_settings_are_named_with_their_deployed_values(deployed: dict[str, str]) -> None:
    assert sorted(changed(deployed, {})) == [
        "alarm_email = someone@example.com",
        "model_data = s3://our-models/darkroom/v1/",
    ]


def test_a_setting_that_is_given_is_deliberate(deployed: dict[str, str]) -> None:
    assert changed(deployed, GIVEN | {"max_instances": "2", "instance_type": "ml.g5.xlarge"}) == []


def test_what_follows_from_a_given_setting_is_deliberate(deployed: dict[str, str]) -> None:
    assert changed(deployed, GIVEN | {"daily_usd": "20"}) == []


def test_an_issuer_and_a_list_of_origins_that_are_forgotten_are_named(own: Assembly) -> None:
    found = deployed_settings([own[name].content for name in ("core", "gpu", "studio")])
    lines = changed(found, {})
    assert "issuer = https://issuer.example/realm" in lines
    assert "audience = our-app" in lines
    assert 'origins: ["https://app.example", "https://www.app.example"] → ["*"]' in lines
    assert "retention_days: 90 → 30" in lines

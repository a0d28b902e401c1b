"""Checks of machine image and price against the instance type."""

from infra.commands.deploy.finding import Level
from infra.commands.deploy.instance_checks import check_machine_image, check_price
from infra.config import Config


def test_the_default_type_has_its_image_and_its_price() -> None:
    assert check_machine_image(Config()).level is Level.OK
    assert check_price(Config()).level is Level.OK


def test_another_price_is_a_warning_that_names_the_lists() -> None:
    found = check_price(Config(instance_usd_per_hour=0.5))
    assert (found.level, "0.7364" in found.found) == (Level.WARNING, True)


def test_what_is_not_known_is_a_warning_and_no_pass() -> None:
    config = Config(instance_type="ml.p5.48xlarge", instance_usd_per_hour=63.296, inference_ami="some-image")
    assert check_machine_image(config).level is Level.WARNING
    assert check_price(config).level is Level.WARNING

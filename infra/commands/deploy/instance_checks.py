"""Checks of the instance type: its machine image and its price."""

from infra.commands.deploy.finding import Finding, Level
from infra.config import Config
from infra.instance_types import list_price, machine_image


def check_machine_image(config: Config) -> Finding:
    """Compare SageMaker's machine image with the one known to work on the type."""
    known = machine_image(config.instance_type)
    if known is None:
        remedy = "Choose a type of the table, or make sure yourself that the image's driver fits the container's CUDA."
        return Finding(Level.WARNING, f"nothing is known of {config.instance_type}", remedy)
    if known != config.inference_ami:
        found = f"{config.inference_ami} is not the image known to fit {config.instance_type}"
        return Finding(Level.WARNING, found, f"Give inference_ami={known}, or leave the key out.")
    return Finding(Level.OK, f"{config.inference_ami} fits {config.instance_type}")


def check_price(config: Config) -> Finding:
    """Compare ``instance_usd_per_hour`` with the list price of the type."""
    price = list_price(config.instance_type)
    if price is None:
        remedy = "Compare it with the price list: cost_usd, budgets and the spend guard are reckoned from it."
        found = f"{config.instance_type} at ${config.instance_usd_per_hour:g} an hour, as the configuration says"
        return Finding(Level.WARNING, found, remedy)
    if price != config.instance_usd_per_hour:
        found = (
            f"instance_usd_per_hour is {config.instance_usd_per_hour:g}; the list price of {config.instance_type} in "
            f"us-east-1 was {price:g}"
        )
        remedy = "Give the price of your region: cost_usd, budgets and the spend guard are reckoned from it."
        return Finding(Level.WARNING, found, remedy)
    return Finding(Level.OK, f"{config.instance_type} at ${price:g} an hour, as in us-east-1's list")

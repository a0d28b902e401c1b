"""Facts of an instance type: its price and the machine image that fits, as far as the project knows them."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from infra.config import Config

TABLE = "infra.instance_types"


@dataclass(frozen=True)
class InstanceFacts:
    """List price in us-east-1, and SageMaker's machine image whose driver fits the container's CUDA."""

    usd_per_hour: float
    inference_ami: str


def find_instance_facts(instance_type: str) -> InstanceFacts | None:
    """Return the facts of a type from the table of types, or None if the table lacks it.

    Without the table, only the type is known that the configuration's defaults are for.
    """
    if find_spec(TABLE) is not None:
        table: Any = import_module(TABLE)
        price, image = table.list_price(instance_type), table.machine_image(instance_type)
        return None if price is None or image is None else InstanceFacts(price, image)
    fields = Config.model_fields
    if instance_type != fields["instance_type"].default:
        return None
    return InstanceFacts(fields["instance_usd_per_hour"].default, fields["inference_ami"].default)

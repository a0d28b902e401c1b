"""Instance types of the endpoint: GPU, list price and machine image of each, from ``instance_types.toml``."""

import tomllib
from collections.abc import Collection, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

INSTANCE_TYPES_FILE = Path(__file__).with_name("instance_types.toml")
# The container's PyTorch is built for CUDA 13, which needs this NVIDIA driver and a GPU of the Turing generation or
# later.
DRIVER = 580
# Families with such a GPU. SageMaker's other families have older GPUs, other accelerators or none.
GPU_FAMILIES = ("g4dn", "g5", "g6", "g6e", "g7", "g7e", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300")


class MachineImage(BaseModel):
    """SageMaker machine image (AMI). ``driver`` is its NVIDIA driver's major version, None without one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    driver: int | None = None


class InstanceFamily(BaseModel):
    """Instance family: its GPU, the machine image that fits, and size → list price in USD per hour."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gpu: str
    gpu_gigabytes: int = Field(gt=0)
    machine_image: str
    usd_per_hour: dict[str, Annotated[float, Field(gt=0)]]


class InstanceTypes(BaseModel):
    """Table of instance types. ``checked`` is the date of its prices."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    checked: date
    machine_images: dict[str, MachineImage]
    families: dict[str, InstanceFamily]

    @property
    def usd_per_hour(self) -> Mapping[str, float]:
        """Instance type → list price in USD per hour."""
        return {
            f"ml.{name}.{size}": price
            for name, family in self.families.items()
            for size, price in family.usd_per_hour.items()
        }


@cache
def instance_types() -> InstanceTypes:
    """Return the table of instance types.

    >>> instance_types().usd_per_hour["ml.g4dn.xlarge"]
    0.7364
    """
    return InstanceTypes.model_validate(tomllib.loads(INSTANCE_TYPES_FILE.read_text("utf-8")))


def _family(instance_type: str) -> str:
    return instance_type.removeprefix("ml.").rpartition(".")[0]


def list_price(instance_type: str) -> float | None:
    """Return the list price of an instance type in USD per hour; None if the table lacks it."""
    return instance_types().usd_per_hour.get(instance_type)


def machine_image(instance_type: str) -> str | None:
    """Return the machine image that fits an instance type; None if the table lacks its family.

    >>> machine_image("ml.g5.xlarge")
    'al2023-ami-sagemaker-inference-gpu-4-1'
    """
    family = instance_types().families.get(_family(instance_type))
    return None if family is None else family.machine_image


def check_gpu(instance_type: str) -> str:
    """Return an instance type. Raises ``ValueError`` if its family has no GPU that the container can use.

    >>> check_gpu("ml.c6i.2xlarge")
    Traceback (most recent call last):
    ValueError: ml.c6i.2xlarge has no NVIDIA GPU for CUDA 13; ml.g4dn, ml.g5, ml.g6, ml.g6e have one
    """
    if _family(instance_type) not in GPU_FAMILIES:
        known = ", ".join(f"ml.{family}" for family in instance_types().families)
        raise ValueError(f"{instance_type} has no NVIDIA GPU for CUDA 13; {known} have one")
    return instance_type


def check_known_or_given(instance_type: str, given: Collection[str]) -> None:
    """Raise ``ValueError`` if the table lacks the price or the machine image of a type, and ``given`` does, too.

    ``given`` has the context keys that were set.
    """
    known = {"instance_usd_per_hour": list_price(instance_type), "inference_ami": machine_image(instance_type)}
    missing = [key for key, value in known.items() if value is None and key not in given]
    if missing:
        raise ValueError(f"{instance_type} is not in the table of instance types: give {' and '.join(missing)} with it")


def check_machine_image(name: str) -> str:
    """Return a machine image's name. Raises ``ValueError`` if its driver is known, and too old for the container."""
    known = instance_types().machine_images.get(name)
    if known is not None and (known.driver or 0) < DRIVER:
        fitting = [other for other, image in instance_types().machine_images.items() if (image.driver or 0) >= DRIVER]
        driver = f"has NVIDIA driver {known.driver}" if known.driver else "has no NVIDIA driver"
        raise ValueError(f"{name} {driver}; the container needs {DRIVER} or later: {', '.join(fitting)}")
    return name

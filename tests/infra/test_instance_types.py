"""Table of instance types, held to the model of SageMaker's API that botocore carries."""

import re

import botocore.session
import pytest

from infra.instance_types import DRIVER, GPU_FAMILIES, instance_types


@pytest.fixture(scope="module")
def sagemaker() -> botocore.session.ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")


def test_sagemaker_hosts_every_type(sagemaker: botocore.session.ServiceModel) -> None:
    hosted = set(sagemaker.shape_for("ProductionVariantInstanceType").enum)
    assert set(instance_types().usd_per_hour) - hosted == set()
    assert set(GPU_FAMILIES) - {name.split(".")[1] for name in hosted} == set()
    assert set(instance_types().families) - set(GPU_FAMILIES) == set()


def test_machine_images_are_those_of_sagemaker_with_their_drivers(sagemaker: botocore.session.ServiceModel) -> None:
    known = instance_types().machine_images
    assert set(known) == set(sagemaker.shape_for("ProductionVariantInferenceAmiVersion").enum)
    text = sagemaker.shape_for("ProductionVariant").members["InferenceAmiVersion"].documentation
    documented = {
        name: int(driver[1]) if (driver := re.search(r"NVIDIA driver version: (\d+)", described)) else None
        for name, described in re.findall(r"<dt>([a-z0-9-]+)</dt> <dd>(.*?)</dd>", text)
    }
    assert {name: image.driver for name, image in known.items()} == documented


def test_the_machine_image_of_every_family_has_a_driver_that_the_container_can_use() -> None:
    drivers = [
        instance_types().machine_images[family.machine_image].driver for family in instance_types().families.values()
    ]
    assert all(driver is not None and driver >= DRIVER for driver in drivers)

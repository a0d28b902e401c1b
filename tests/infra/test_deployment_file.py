"""Settings of a deployment in a file: read for its stage, overridden by the command line."""

from pathlib import Path

import pytest

from infra.config import Config, ConfigError
from infra.deployment_file import with_deployment_file

FILE = """
model_data = "s3://our-models/darkroom/v1/"
max_instances = 4
log_days = 90
origins = ["https://app.example"]
models = {detector = "rt-detr-r18"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.toml").write_text(FILE, "utf-8")
    return tmp_path


def read(folder: Path, **context: str) -> Config:
    return Config.read(with_deployment_file(context, folder))


def test_a_deployment_keeps_what_its_file_says(folder: Path) -> None:
    config = read(folder)
    assert (config.stage, config.model_data, config.max_instances) == ("main", "s3://our-models/darkroom/v1/", 4)
    assert (config.log_days, config.origins, config.models) == (
        90,
        ["https://app.example"],
        {"detector": "rt-detr-r18"},
    )


def test_the_command_line_overrides_the_file(folder: Path) -> None:
    config = read(folder, max_instances="2", origins="*")
    assert (config.max_instances, config.origins, config.log_days) == (2, ["*"], 90)


def test_another_stage_and_a_local_stack_do_not_read_it(folder: Path) -> None:
    assert read(folder, stage="test").max_instances == 10
    assert read(folder, local="true").max_instances == 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_instances 4", "main.toml in .* cannot be read"),
        ('stage = "other"', "cannot set stage: the file's name is the stage"),
        ("local = true", "cannot set local"),
        ("max_instance = 4", "did you mean 'max_instances'"),
        ("max_instances = 0", "max_instances"),
    ],
)
def test_a_wrong_file_is_an_error(folder: Path, text: str, said: str) -> None:
    (folder / "main.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=said):
        read(folder)

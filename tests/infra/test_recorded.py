"""Templates of 0.1.0: today's keep every name; the failure message lists all other differences."""

import pytest

from tests.infra.template import Assembly, Template
from tests.recorded import files, templates


@pytest.fixture(scope="session")
def now(cloud: Assembly, own: Assembly, local: Template) -> files.Files:
    """Today's templates of the fixtures, by the name under which they were recorded."""
    found = {**templates.files("cloud", cloud), **templates.files("own", own)}
    return found | {"templates/local/core": templates.normalised(local.content)}


RECORDED = [
    name for name in files.names("templates") if name.rpartition("/")[0].rpartition("/")[2] in ("cloud", "own", "local")
]


@pytest.mark.parametrize("name", RECORDED)
def test_lasting_resources_keep_logical_id_name_and_keys(name: str, now: files.Files) -> None:
    found = templates.changed(files.read(name), now[name])
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", RECORDED)
def test_nothing_else_in_the_templates_is_gone_or_different(name: str, now: files.Files) -> None:
    found = templates.differing(files.read(name), now[name])
    assert not found, "\n".join(found)

"""Choice of the speech synthesiser by the settings."""

import sys

import pytest

from containers.worker.settings import Settings
from containers.worker.speech_synthesis import create_speaker

pytestmark = pytest.mark.usefixtures("s3")


def settings(**changes: str) -> Settings:
    return Settings.model_validate({"jobs_table": "jobs", "ledger_table": "ledger", "bucket": "pictures", **changes})


@pytest.mark.parametrize(("name", "about"), [("espeak", "espeak-ng"), ("polly", "polly")])
def test_the_setting_selects_the_synthesiser(name: str, about: str) -> None:
    found = create_speaker(settings(speech=name))
    assert found is not None
    assert found.about.startswith(about)


def test_a_container_without_a_synthesiser_starts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.delitem(sys.modules, "pipeline.speech.espeak", raising=False)
    assert create_speaker(settings()) is None
    assert "speech synthesis is not available" in caplog.text

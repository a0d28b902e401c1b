"""cdk-nag's AwsSolutions rules over everything that goes to AWS; exceptions stand in words beside their construct."""

import json
from pathlib import Path

import pytest

from infra import source
from infra.source import ROOT


@pytest.mark.parametrize(
    "context",
    [{}, {"issuer": "https://issuer.example", "audience": "our-app", "model_data": "s3://our-models/darkroom/v1/"}],
)
def test_every_finding_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: dict[str, str]) -> None:
    from aws_cdk import Validations  # noqa: PLC0415 - only these tests pay for the CDK
    from cdk_nag import AwsSolutionsChecks  # noqa: PLC0415

    from infra.app import build  # noqa: PLC0415

    layer = tmp_path / "layer"
    (layer / "python").mkdir(parents=True)
    monkeypatch.setattr(source, "layer", lambda: layer)
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    app = build(context=flags | context, outdir=tmp_path / "cdk.out")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError:
        report = json.loads((tmp_path / "cdk.out" / "validation-report.json").read_text())
        found = [
            f"{violation['ruleName']}: {construct['constructPath']}"
            for plugin in report["pluginReports"]
            for violation in plugin["violations"]
            for construct in violation["violatingConstructs"]
        ]
        pytest.fail("\n".join(found))

"""Synthesized templates of a deployment, as the costs are counted from them."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.app import build
from infra.bundling.functions import ROOT, placeholder_assets

Resource = dict[str, Any]


class Templates:
    """CloudFormation templates of all stacks of a deployment."""

    def __init__(self, templates: list[dict[str, Any]]) -> None:
        self._templates = templates

    @classmethod
    def synthesize(cls, context: Mapping[str, Any]) -> "Templates":
        """Synthesize a deployment without its layer and its studio, whose contents cost nothing idle.

        Raises ``ConfigError``.
        """
        flags = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
        with tempfile.TemporaryDirectory(prefix="darkroom-costs-") as folder, placeholder_assets(Path(folder)):
            build(context=flags | dict(context), outdir=Path(folder, "cdk.out")).synth()
            return cls.read(Path(folder, "cdk.out"))

    @classmethod
    def read(cls, assembly: Path) -> "Templates":
        """Read the templates of a cloud assembly."""
        return cls([json.loads(path.read_text("utf-8")) for path in sorted(assembly.glob("*.template.json"))])

    def of_type(self, kind: str) -> Iterator[Resource]:
        """Yield the properties of all resources of a type."""
        for template in self._templates:
            for resource in template["Resources"].values():
                if resource["Type"] == kind:
                    yield resource["Properties"]

    def functions(self) -> dict[str, Resource]:
        """Return the properties of our functions, by the names of their entry modules."""
        found = {}
        for properties in self.of_type("AWS::Lambda::Function"):
            room, _, rest = str(properties.get("Handler", "")).partition(".")
            if room == "handlers":
                found[rest.removesuffix(".handler")] = properties
        return found

    def cpu_lane(self) -> Resource | None:
        """Return the properties of the cpu lane's function; None without one."""
        images = [each for each in self.of_type("AWS::Lambda::Function") if each.get("PackageType") == "Image"]
        return images[0] if images else None

    def schedules(self) -> Iterator[tuple[str, float]]:
        """Yield the function that each scheduled rule invokes, and the minutes between two runs."""
        names = self._logical_ids()
        for rule in self.of_type("AWS::Events::Rule"):
            if expression := rule.get("ScheduleExpression"):
                for target in rule["Targets"]:
                    yield names[target["Arn"]["Fn::GetAtt"][0]], _minutes(expression)

    def _logical_ids(self) -> dict[str, str]:
        found = {}
        for template in self._templates:
            for name, resource in template["Resources"].items():
                if resource["Type"] == "AWS::Lambda::Function":
                    handler = str(resource["Properties"].get("Handler", ""))
                    found[name] = handler.removeprefix("handlers.").removesuffix(".handler")
        return found


def _minutes(expression: str) -> float:
    """Return the minutes between two runs.

    >>> _minutes("rate(5 minutes)")
    5.0
    """
    number, unit = expression.removeprefix("rate(").removesuffix(")").split()
    return float(number) * {"minute": 1, "hour": 60, "day": 1440}[unit.removesuffix("s")]

"""Queries on a synthesized template."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from infra.names import CPU_FUNCTION

Resource = dict[str, Any]


class Template:
    """A CloudFormation template."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.resources: dict[str, Resource] = content["Resources"]

    @classmethod
    def read(cls, path: Path) -> "Template":
        return cls(json.loads(path.read_text()))

    def of_type(self, kind: str, prefix: str = "") -> list[tuple[str, Resource]]:
        """Logical ids and resources of a type."""
        return [
            (name, resource)
            for name, resource in self.resources.items()
            if resource["Type"] == f"AWS::{kind}" and name.startswith(prefix)
        ]

    def only(self, kind: str, prefix: str = "") -> Resource:
        """The properties of the one resource of a type (whose name begins with ``prefix``)."""
        ((_, resource),) = self.of_type(kind, prefix)
        properties: Resource = resource["Properties"]
        return properties

    def function(self, name: str) -> Resource:
        """The properties of one of our functions."""
        (found,) = [
            resource["Properties"]
            for _, resource in self.of_type("Lambda::Function")
            if _is_function(resource["Properties"], name)
        ]
        return dict(found)

    def function_id(self, name: str) -> str:
        (found,) = [
            logical
            for logical, resource in self.of_type("Lambda::Function")
            if _is_function(resource["Properties"], name)
        ]
        return found

    def role_may(self, role: str, action: str, resource: str) -> bool:
        """Return True if the role whose logical id begins with ``role`` may do ``action`` on ``resource``.

        ``resource`` in the form of ``text``; wildcards count on the policy's side alone.
        """
        return any(
            any(fnmatchcase(action, allowed) for allowed in listed(statement["Action"]))
            and any(fnmatchcase(resource, text(allowed)) for allowed in listed(statement["Resource"]))
            for statement in self.statements(role)
        )

    def function_may(self, name: str, action: str, resource: str) -> bool:
        """Return True if a function's role may do ``action`` on ``resource``."""
        return self.role_may(self.function(name)["Role"]["Fn::GetAtt"][0], action, resource)

    def function_actions(self, name: str) -> set[str]:
        """Everything a function may do anywhere."""
        role = self.function(name)["Role"]["Fn::GetAtt"][0]
        return {action for statement in self.statements(role) for action in listed(statement["Action"])}

    def statements(self, role: str) -> Iterator[Resource]:
        """The statements of a role's policies."""
        for _, policy in self.of_type("IAM::Policy"):
            if any(text(name).startswith(role) for name in policy["Properties"]["Roles"]):
                yield from policy["Properties"]["PolicyDocument"]["Statement"]

    def name_of(self, kind: str, prefix: str = "") -> str:
        """The logical id of the one resource of a type."""
        ((name, _),) = self.of_type(kind, prefix)
        return name


def _is_function(function: Resource, name: str) -> bool:
    """Return True for one of our functions; the cpu lane's runs from an image, except on the emulator."""
    if name == CPU_FUNCTION:
        return function.get("PackageType") == "Image" or function.get("Handler") == "containers.cpu.function.handler"
    return bool(function.get("Handler") == f"handlers.{name}.handler")


class Assembly:
    """The templates of one synthesis, and what cdk-nag found in them."""

    def __init__(self, folder: Path, findings: list[str]) -> None:
        self.folder = folder
        self.findings = findings

    def __getitem__(self, stack: str) -> Template:
        """The template of ``core``, ``gpu`` or ``studio``."""
        suffix = "" if stack == "core" else f"-{stack}"
        return Template.read(self.folder / f"darkroom-test{suffix}.template.json")

    def images(self, stack: str = "gpu") -> list[dict[str, Any]]:
        """The sources of the container images that a deployment builds: folder, file, arguments and outputs."""
        suffix = "" if stack == "core" else f"-{stack}"
        assets = json.loads((self.folder / f"darkroom-test{suffix}.assets.json").read_text())
        return [image["source"] for image in assets["dockerImages"].values()]

    def image_files(self, stack: str = "gpu") -> set[str]:
        """The paths of the files that Docker can copy into the container image."""
        (image,) = self.images(stack)
        context = self.folder / image["directory"]
        return {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}


def text(value: Any) -> str:
    """A value with its references written out: ``Bucket/uploads/*`` for the ARN of a bucket's objects.

    References become the logical id, attributes ``Id`` too: which attribute it is never matters to a test.
    """
    match value:
        case str():
            return value
        case {"Ref": name}:
            return str(name)
        case {"Fn::GetAtt": [name, *_]}:
            return str(name)
        case {"Fn::Join": [between, parts]}:
            return str(between).join(text(part) for part in parts)
        case {"Fn::ImportValue": name}:
            return text(name)
        case _:
            return json.dumps(value)


def listed(value: Any) -> list[Any]:
    """A value that CloudFormation and IAM take alone or in a list, in a list."""
    return value if isinstance(value, list) else [value]

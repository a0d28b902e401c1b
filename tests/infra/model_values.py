"""Values in a template against botocore's models: enumerations, patterns, lengths and ranges of AWS's own APIs."""

import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.session import get_session

from tests.infra.resource_models import RESOURCE_MODELS, UNMODELLED, ResourceModel
from tests.infra.template import Template, listed

_REFERENCES = ("Ref", "Fn::")
_NUMBERS = ("integer", "long", "float", "double")


def wrong_values(template: Template) -> list[str]:
    """What the models do not accept of a template, and what they do not know: resource, path and reason."""
    return [
        f"{name} ({resource['Type']}) {remark}"
        for name, resource in template.resources.items()
        if resource["Type"] not in UNMODELLED
        for remark in _resource(resource)
    ]


def _resource(resource: Mapping[str, Any]) -> Iterator[str]:
    model = RESOURCE_MODELS.get(resource["Type"])
    if model is None:
        yield "has no entry in tests/infra/resource_models.py"
        return
    inputs = [_input_shape(model.service, operation) for operation in model.operations]
    for name, value in resource.get("Properties", {}).items():
        if name in model.without:
            continue
        shape = next((found for shape in inputs if (found := _member(shape, name, name, model))), None)
        if shape is None:
            yield f"{name}: none of {', '.join(model.operations)} takes it"
        else:
            yield from _value(shape, value, name, model)


@cache
def _input_shape(service: str, operation: str) -> Shape:
    return get_session().get_service_model(service).operation_model(operation).input_shape


def _member(shape: Shape, name: str, path: str, model: ResourceModel) -> Shape | None:
    """Return the shape of a property: the member of its name, whatever the case, or of its new name."""
    found: Shape | None = shape
    for part in model.renamed.get(path, name).split("."):
        members = {key.lower(): member for key, member in getattr(found, "members", {}).items()}
        found = members.get(part.lower()) or _attribute(members, part)
    return found


def _attribute(members: Mapping[str, Shape], name: str) -> Shape | None:
    """Return the shape of an attribute's value, where a service takes attributes by their names (SQS)."""
    attributes = members.get("attributes")
    is_known = isinstance(attributes, MapShape) and name in getattr(attributes.key, "enum", ())
    return attributes.value if is_known else None


def _value(shape: Shape, value: Any, path: str, model: ResourceModel) -> Iterator[str]:
    if _is_reference(value) or path in model.without:
        return
    if isinstance(shape, StructureShape) and isinstance(value, list):  # CloudFront's lists have their own structure
        shape = shape.members["Items"]
    if isinstance(shape, ListShape):
        yield from _size(shape, len(listed(value)), path, "entries")
    if isinstance(shape, ListShape) or isinstance(value, list):  # a list, or a call for each
        for each in listed(value):
            yield from _value(getattr(shape, "member", shape), each, path, model)
    elif isinstance(shape, MapShape):
        for key, each in value.items():
            yield from _scalar(shape.key, key, path)
            yield from _value(shape.value, each, f"{path}.{key}", model)
    elif isinstance(shape, StructureShape):
        yield from _structure(shape, value, path, model)
    elif not isinstance(value, dict):  # a text of the API that is JSON in a template
        yield from _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str, model: ResourceModel) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no structure"
        return
    for name, each in value.items():
        inner = f"{path}.{name}"
        member = _member(shape, name, inner, model)
        if member is None and inner not in model.without:
            yield f"{inner}: {shape.name} has no such member"
        elif member is not None:
            yield from _value(member, each, inner, model)


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if _is_reference(value):
        return
    if shape.type_name == "boolean":
        if str(value).lower() not in ("true", "false"):
            yield f"{path}: {value!r} is no boolean"
    elif shape.type_name in _NUMBERS:
        try:
            yield from _size(shape, float(value), path, "is the number")
        except ValueError:
            yield f"{path}: {value!r} is no number"
    elif shape.type_name == "string":
        yield from _text(shape, str(value), path)


def _text(shape: Shape, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {shape.name}'s values: {', '.join(shape.enum)}"
        return
    yield from _size(shape, len(value), path, "characters")
    pattern = _compiled(shape.metadata.get("pattern", ".*"))
    if pattern is not None and not pattern.fullmatch(value):
        yield f"{path}: {value!r} does not match {shape.name}'s pattern {pattern.pattern}"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern of a model; None for one that Python cannot read, such as one with classes of Unicode."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of "[[", which Java reads differently in some versions
            return re.compile(pattern, re.DOTALL)
    except re.error:
        return None


def _size(shape: Shape, size: float, path: str, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and size < least) or (most is not None and size > most):
        yield f"{path}: {size:g} {unit}, where {shape.name} has {least} to {most}"


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(_REFERENCES)

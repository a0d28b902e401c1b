"""Evaluation of a template's CloudWatch alarms on series of metrics.

As "Evaluating an alarm" in CloudWatch's user guide says, for alarms whose datapoints to alarm are all of the evaluation
periods, with missing data as not breaching. Of metric math, it knows what the templates use.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

# A metric's name and its dimensions, as it is published; values for each period, None where nothing was published.
Published = Mapping[tuple[str, tuple[tuple[str, str], ...]], Sequence[float | None]]

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
}


def dimensions(**values: str) -> tuple[tuple[str, str], ...]:
    """Dimensions in the form of ``Published``."""
    return tuple(sorted(values.items()))


def periods_to_alarm(alarm: Mapping[str, Any], published: Published) -> int | None:
    """The number of periods after which an alarm fires; None if it does not fire in the whole series."""
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) == alarm["EvaluationPeriods"]
    breaches = _COMPARISONS[alarm["ComparisonOperator"]]
    run = 0
    for number, value in enumerate(_values(alarm, published), start=1):
        run = run + 1 if value is not None and breaches(value, alarm["Threshold"]) else 0
        if run == alarm["EvaluationPeriods"]:
            return number
    return None


def _values(alarm: Mapping[str, Any], published: Published) -> Sequence[float | None]:
    if "Metrics" not in alarm:
        return _series(alarm["MetricName"], alarm["Dimensions"], published)
    series = {
        each["Id"]: _series(
            each["MetricStat"]["Metric"]["MetricName"], each["MetricStat"]["Metric"]["Dimensions"], published
        )
        for each in alarm["Metrics"]
        if "MetricStat" in each
    }
    (expression,) = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    return [
        _calculated(expression, dict(zip(series, values, strict=True))) for values in zip(*series.values(), strict=True)
    ]


def _series(name: str, given: Sequence[Mapping[str, str]], published: Published) -> Sequence[float | None]:
    """A metric with other dimensions than it is published with has no data."""
    key = (name, dimensions(**{each["Name"]: each["Value"] for each in given}))
    return published.get(key, [None] * len(next(iter(published.values()))))


def _calculated(expression: str, values: Mapping[str, float | None]) -> float:
    names: dict[str, Any] = {
        "FILL": lambda value, otherwise: otherwise if value is None else value,
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        **values,
    }
    result: float = eval(expression.replace(" AND ", " and "), {"__builtins__": {}}, names)  # noqa: S307 - our own template
    return result

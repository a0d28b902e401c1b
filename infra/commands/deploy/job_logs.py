"""Logs of one job in CloudWatch: the lines of functions and endpoint that name it, in order of time."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from infra.commands.deploy.deployment import Deployment
from infra.local.log_lines import LogLine, parse_lines

CONTAINER = "container"


class JobLogs:
    """Reader of a deployment's log groups. ``missing`` has the groups that do not exist: nothing wrote to them yet."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._logs = deployment.client("logs")
        self.missing: list[str] = []

    def read(self, job_id: str, since: float) -> list[LogLine]:
        """Return the lines since a time (epoch seconds) that name the job. Raises botocore's errors."""
        lines = [
            line
            for source, group in self._groups()
            for event in self._events(group, job_id, since)
            for line in parse_lines(
                event["message"].splitlines(), source, server=source, time=event["timestamp"] / 1000
            )
        ]
        return sorted(lines, key=lambda line: line.time)

    def _groups(self) -> Iterator[tuple[str, str]]:
        functions = self._deployment.client("lambda")
        for name, physical in self._deployment.functions.items():
            configuration = functions.get_function_configuration(FunctionName=physical)
            yield name, configuration.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{physical}"
        if self._deployment.endpoint_name:
            yield CONTAINER, f"/aws/sagemaker/Endpoints/{self._deployment.endpoint_name}"

    def _events(self, group: str, job_id: str, since: float) -> Iterator[Any]:
        pages = self._logs.get_paginator("filter_log_events")
        try:
            # A phrase in quotation marks is looked for in the whole of a line, JSON or not.
            for page in pages.paginate(logGroupName=group, filterPattern=f'"{job_id}"', startTime=int(since * 1000)):
                yield from page["events"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            self.missing.append(group)

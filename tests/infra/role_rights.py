"""Rights of the roles in a deployment's templates, and the recorded calls that need them (``tests/aws_calls.py``)."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from infra.names import FUNCTIONS
from tests.aws_calls import CONTAINER, CPU, Call
from tests.infra.template import Assembly, Resource, Template, listed, text

_ARN = "arn:AWS::Partition:{service}:AWS::Region:AWS::AccountId:{resource}"
_TABLES = {"jobs": "JobsTable", "sockets": "JobsSockets", "ledger": "LedgerTable", "assets": "LibraryTable"}
_QUEUES = {"jobs": "JobsQueue", "dead_letters": "JobsDeadLetters"}
_LEADING_KEYS = "dynamodb:LeadingKeys"


@dataclass(frozen=True)
class Right:
    """One action on one resource, as a policy allows it; ``row`` is the partition that it is limited to, if any."""

    action: str
    resource: str
    row: str = ""

    def allows(self, needed: "Right") -> bool:
        """Return True if what is needed is allowed. ``row`` of what is needed may be the beginning of its key."""
        return (
            fnmatchcase(needed.action, self.action)
            and fnmatchcase(needed.resource, self.resource)
            and self._allows_row(needed)
        )

    def is_least(self, needed: "Right") -> bool:
        """Return True if it allows what is needed, and names action and resource as narrowly as a policy can."""
        return (self.action, self.resource) == (needed.action, needed.resource) and self._allows_row(needed)

    def _allows_row(self, needed: "Right") -> bool:
        return not self.row or (bool(needed.row) and self.row.startswith(needed.row))

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}" + (f" (row {self.row})" if self.row else "")


class RoleRights:
    """Rights of every caller's role in the templates of one deployment."""

    def __init__(self, core: Template, gpu: Template) -> None:
        self._core = core
        self._gpu = gpu
        self._exports = {
            text(output["Export"]["Name"]): text(output["Value"])
            for output in core.content["Outputs"].values()
            if "Export" in output
        }

    @classmethod
    def of(cls, assembly: Assembly) -> "RoleRights":
        return cls(assembly["core"], assembly["gpu"])

    def roles(self) -> dict[str, str]:
        """The logical ids of the roles by caller."""
        found = {name: _role(self._core, name) for name in FUNCTIONS}
        (container, _) = self._core.of_type("IAM::Role", "ContainerRole")[0]
        return found | {CPU: _role(self._core, CPU), "guard": _role(self._gpu, "guard"), CONTAINER: container}

    def rights(self, caller: str) -> set[Right]:
        """What the role of a caller allows, by action and resource."""
        role = self.roles()[caller]
        return {
            Right(action, self._resolved(resource), row)
            for statement in self._statements(role)
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
            for row in _rows(statement) or [""]
        }

    def missing(self, calls: set[Call]) -> list[str]:
        """The calls that the caller's role does not allow."""
        rights = {caller: self.rights(caller) for caller in self.roles()}
        return [
            f"{caller} may not {action} on {resource}"
            for caller, action, resource in sorted(on_every_lane(calls))
            if not any(right.allows(self._needed(action, resource)) for right in rights[caller])
        ]

    def unused(self, calls: set[Call]) -> list[tuple[str, Right]]:
        """Callers and rights that no call needs, or that name more than it needs."""
        made = [(caller, self._needed(action, resource)) for caller, action, resource in on_every_lane(calls)]
        return [
            (caller, right)
            for caller in self.roles()
            for right in sorted(self.rights(caller), key=str)
            if not any(by == caller and right.is_least(needed) for by, needed in made)
        ]

    def _needed(self, action: str, resource: str) -> Right:
        return Right(action, *self._place(resource))

    def _place(self, resource: str) -> tuple[str, str]:
        """Return a recorded resource as the narrowest policy names it, and the kind of its row (empty if any)."""
        kind, _, rest = resource.partition("/")
        match kind:
            case "table":
                table, _, row = rest.partition("/")
                arn = self._core.name_of("DynamoDB::Table", _TABLES[table])
                return (f"{arn}/{row}", "") if row.startswith("index/") else (arn, row)
            case "bucket":
                bucket = self._core.name_of("S3::Bucket")
                return (f"{bucket}/{rest}" if rest else bucket), ""
            case "queue":
                return self._core.name_of("SQS::Queue", _QUEUES[rest]), ""
            case "event-bus":
                return self._core.name_of("Events::EventBus"), ""
            case "connections":
                api = self._core.name_of("ApiGatewayV2::Api", "SocketLive")
                return _ARN.format(service="execute-api", resource=f"{api}/live/{rest}/@connections/*"), ""
            case "endpoint":
                current = self._gpu.only("SageMaker::Endpoint")["EndpointName"]
                names = {"current": current, "former": "darkroom-test-*", "untyped": "darkroom-test"}
                return _ARN.format(service="sagemaker", resource=f"endpoint/{names[rest]}"), ""
            case "scalable-target":
                return _ARN.format(service="application-autoscaling", resource="scalable-target/*"), ""
            case "model":
                model = self._core.function("api")["Environment"]["Variables"]["BEDROCK_MODEL"]
                return _ARN.format(service="bedrock", resource=f"inference-profile/{model}"), ""
            case "*":
                return "*", ""
        return self._place_of_a_lane(kind, rest), ""

    def _place_of_a_lane(self, kind: str, rest: str) -> str:
        match kind:
            case "cpu-function":
                return self._core.function_id(CPU)
            case "topic":
                return self._core.name_of("SNS::Topic", f"Container{rest.capitalize()}")
        raise LookupError(kind)

    def _statements(self, role: str) -> Iterator[Resource]:
        for template in (self._core, self._gpu):
            for _, policy in template.of_type("IAM::Policy"):
                names = {self._resolved(name) for name in policy["Properties"]["Roles"]}
                if role in names:
                    yield from policy["Properties"]["PolicyDocument"]["Statement"]

    def _resolved(self, value: Any) -> str:
        found = text(value)
        return self._exports.get(found, found)


def on_every_lane(calls: set[Call]) -> set[Call]:
    """Return the calls, and those that the cpu lane makes as the container does: one worker runs on both.

    Reports of an instance are the container's own.
    """
    shared = {(CPU, action, resource) for caller, action, resource in calls if caller == CONTAINER}
    return calls | (shared - {(CPU, "dynamodb:PutItem", "table/ledger/instances")})


def _role(template: Template, function: str) -> str:
    return str(template.function(function)["Role"]["Fn::GetAtt"][0])


def _rows(statement: Resource) -> list[str]:
    """The partitions that a statement is limited to; ``Null`` in its conditions refuses calls without one."""
    conditions = statement.get("Condition", {})
    return [key for name, each in conditions.items() if name != "Null" for key in listed(each.get(_LEADING_KEYS, []))]

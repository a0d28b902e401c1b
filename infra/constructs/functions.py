"""Factory of Lambda functions: common runtime, logs, tracing and least-privilege roles."""

from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, Duration, RemovalPolicy
from aws_cdk.aws_iam import Policy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_lambda import (
    Architecture,
    Code,
    Function,
    LayerVersion,
    LoggingFormat,
    RecursiveLoop,
    Runtime,
    Tracing,
)
from aws_cdk.aws_logs import LogGroup, RetentionDays
from constructs import Construct

from infra.bundling import functions
from infra.bundling.bytecode import VARIABLE
from infra.config import Config
from infra.constructs.nag_findings import acknowledge

TIMEOUT_SECONDS = 15
RETENTION = {
    1: RetentionDays.ONE_DAY,
    3: RetentionDays.THREE_DAYS,
    5: RetentionDays.FIVE_DAYS,
    7: RetentionDays.ONE_WEEK,
    14: RetentionDays.TWO_WEEKS,
    30: RetentionDays.ONE_MONTH,
    60: RetentionDays.TWO_MONTHS,
    90: RetentionDays.THREE_MONTHS,
    180: RetentionDays.SIX_MONTHS,
    365: RetentionDays.ONE_YEAR,
}


def removal_policy(*, destroy: bool) -> RemovalPolicy:
    """Return the removal policy of what holds callers' data: kept with ``destroy`` unset.

    A first deployment that fails removes what it has made: kept, it would be in the way of the next one.
    """
    return RemovalPolicy.DESTROY if destroy else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def allow(actions: Sequence[str], resources: Sequence[str]) -> PolicyStatement:
    """Return a policy statement for a function's role."""
    return PolicyStatement(actions=list(actions), resources=list(resources))


def allow_rows(actions: Sequence[str], table_arn: str, partitions: Sequence[str], *, config: Config) -> PolicyStatement:
    """Return a policy statement limited to some partitions of a table."""
    conditions: dict[str, object] = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": list(partitions)}}
    if not config.local:  # the emulator never sets leading keys
        conditions["Null"] = {"dynamodb:LeadingKeys": "false"}  # ForAllValues is true for an empty set
    return PolicyStatement(actions=list(actions), resources=[table_arn], conditions=conditions)


def allow_attributes(actions: Sequence[str], table_arn: str, attributes: Sequence[str]) -> PolicyStatement:
    """Return a policy statement limited to requests that name no other attributes of a table's rows."""
    conditions = {"ForAllValues:StringEquals": {"dynamodb:Attributes": list(attributes)}}
    return PolicyStatement(actions=list(actions), resources=[table_arn], conditions=conditions)


def allow_in_own_policy(scope: Construct, name: str, statement: PolicyStatement, *functions: Function) -> Policy:
    """Give functions a right in a policy of its own, which exists before they do, and return the policy.

    Deployed templates get it as an addition: the roles' own policies stay as they are.
    """
    roles = [function.role for function in functions if function.role is not None]
    policy = Policy(scope, name, statements=[statement], roles=roles)
    for function in functions:
        function.node.add_dependency(policy)  # as the CDK does for a role's own policy
    return policy


class Functions(Construct):
    """Creates functions that share their code and their layer."""

    def __init__(self, scope: Construct, id: str, *, config: Config) -> None:  # noqa: A002 - the CDK's own name
        super().__init__(scope, id)
        self._config = config
        self._code = Code.from_asset(str(functions.build_code(bytecode=not config.local)))
        self.created: list[Function] = []
        self._layers: list[LayerVersion] = []
        if not config.local and functions.runtime_interpreter() is None:
            Annotations.of(self).add_warning_v2(
                "darkroom:bytecode",
                f"There is no Python {functions.PYTHON_VERSION} here, so the functions are deployed without bytecode "
                f"and start more slowly. Install it (uv python install {functions.PYTHON_VERSION}), or name it in "
                f"{VARIABLE}.",
            )
        if not config.local:  # the emulator's functions use the packages of its interpreter
            layer = LayerVersion(
                self,
                "Dependencies",
                code=Code.from_asset(str(functions.build_layer())),
                compatible_runtimes=[Runtime.PYTHON_3_13],
                compatible_architectures=[Architecture.ARM_64],
                description="Everything that the functions import, pinned in requirements-handlers.lock",
            )
            self._layers.append(layer)

    def add_function(
        self,
        scope: Construct,
        name: str,
        *,
        environment: Mapping[str, str],
        statements: Sequence[PolicyStatement],
        memory: int = 512,
        timeout: int = TIMEOUT_SECONDS,
        recursive: bool = False,
    ) -> Function:
        """Create the function ``handlers.<name>.handler`` in ``scope``, with only the given rights.

        ``memory`` is in MB (CPU is proportional to it), ``timeout`` in seconds. A ``recursive`` function's own messages
        may come back to it: Lambda stops such a chain after some 16 rounds, while a job's tries have their own limits.
        """
        logs = LogGroup(
            scope, f"{name}-logs", retention=RETENTION[self._config.log_days], removal_policy=RemovalPolicy.DESTROY
        )
        role = Role(scope, f"{name}-role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        role.add_to_policy(allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logs.log_group_arn]))
        for statement in statements:
            role.add_to_policy(statement)
        function = Function(
            scope,
            name,
            runtime=Runtime.PYTHON_3_13,
            architecture=Architecture.ARM_64,
            handler=f"handlers.{name}.handler",
            code=self._code,
            layers=self._layers,
            role=role,
            log_group=logs,
            logging_format=LoggingFormat.JSON,
            # A trace costs as much as everything else that a job does in the control plane.
            tracing=Tracing.ACTIVE if self._config.tracing else Tracing.DISABLED,
            memory_size=memory,
            timeout=Duration.seconds(timeout),
            recursive_loop=RecursiveLoop.ALLOW if recursive else None,
            environment={
                **environment,
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_LOG_LEVEL": self._config.log_level,
            },
        )
        acknowledge(
            role,
            "AwsSolutions-IAM5[Resource::*]",
            reason="ListStreams and X-Ray's two write actions know no resource; everything else this role may do names "
            "its resource.",
        )
        acknowledge(
            function,
            "AwsSolutions-L1",
            reason="Functions and container run one Python, 3.13, which is maintained until October 2029.",
        )
        self.created.append(function)
        return function

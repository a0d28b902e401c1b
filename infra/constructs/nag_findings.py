"""Where a rule of cdk-nag does not fit, the reason stands next to the construct it concerns."""

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, *rules: str, reason: str) -> None:
    """Accept findings on ``construct`` and all in it; ``rules`` as reported: ``AwsSolutions-IAM5[Resource::*]``."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule in rules))


def logical_id(construct: IConstruct) -> str:
    """The name of a construct's resource in the template, as findings give it."""
    cfn = construct.node.default_child
    assert isinstance(cfn, CfnElement)
    return str(Stack.of(construct).resolve(cfn.logical_id))

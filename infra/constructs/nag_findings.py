"""Acknowledged findings of cdk-nag, with the reason beside the construct."""

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, *rules: str, reason: str) -> None:
    """Accept findings on ``construct`` and its children; ``rules`` as reported: ``AwsSolutions-IAM5[Resource::*]``."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule in rules))


def logical_id(construct: IConstruct) -> str:
    """Return the logical id of a construct's resource in the template, as used in findings."""
    cfn = construct.node.default_child
    assert isinstance(cfn, CfnElement)
    return str(Stack.of(construct).resolve(cfn.logical_id))

"""Where a rule of cdk-nag does not fit, the reason stands next to the construct it concerns."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, *rules: str, reason: str) -> None:
    """Accept findings on ``construct`` and all in it; ``rules`` as reported: ``AwsSolutions-IAM5[Resource::*]``."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule in rules))

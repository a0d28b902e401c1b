"""Checks of account and region: the CDK's bootstrap, the stacks that are there, and the quotas."""

from infra.commands.deploy.account import AwsAccount
from infra.commands.deploy.finding import Finding, Level
from infra.commands.deploy.stacks import find_stack, stack_names
from infra.config import Config

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = 6  # that templates of the CDK ask for
# What uploads, dispatches and API calls of one burst take. A new account may have 10 in all.
CONCURRENT_FUNCTIONS = 100


def check_bootstrap(account: AwsAccount) -> Finding:
    """Compare the version of the CDK's bootstrap stack with the one that the templates need."""
    command = f"Run `npx aws-cdk@^2.1147 bootstrap aws://{account.account_id}/{account.region}`."
    ssm = account.client("ssm")
    try:
        value = ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return Finding(Level.FAILED, f"{account.region} is not bootstrapped for the CDK", command)
    if not value.isdecimal() or int(value) < BOOTSTRAP_VERSION:
        return Finding(Level.FAILED, f"bootstrap version {value}; {BOOTSTRAP_VERSION} or later is needed", command)
    return Finding(Level.OK, f"bootstrap version {value}")


def check_stacks(account: AwsAccount, config: Config) -> Finding:
    """Look for stacks in a state that no deployment can start from."""
    found = [stack for name in stack_names(config.stage) if (stack := find_stack(account, name)) is not None]
    for stack in found:
        if stack.status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
            remedy = f"Run `npx aws-cdk@^2.1147 destroy {stack.name}`: its creation failed."
            return Finding(Level.FAILED, f"{stack.name} is {stack.status} {stack.reason}".rstrip(), remedy)
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            remedy = f"Run `aws cloudformation continue-update-rollback --stack-name {stack.name}`."
            return Finding(Level.FAILED, f"{stack.name} is {stack.status} {stack.reason}".rstrip(), remedy)
        if stack.status.endswith("_IN_PROGRESS"):
            return Finding(Level.FAILED, f"{stack.name} is {stack.status}", "Wait until it ends, then check again.")
    if not found:
        return Finding(Level.OK, f"no stack of the stage {config.stage} yet: this is its first deployment")
    return Finding(Level.OK, ", ".join(f"{stack.name} {stack.status}" for stack in found))


def check_studio(account: AwsAccount, config: Config) -> Finding:
    """Compare the key ``studio`` with the deployed studio stack, whose imports hold the core stack's exports."""
    core, gpu, studio = stack_names(config.stage)
    if config.studio or find_stack(account, studio) is None:
        return Finding(Level.OK, "the studio is deployed" if config.studio else "no studio")
    remedy = f"Run `npx aws-cdk@^2.1147 destroy {studio}` first, then deploy {core} and {gpu}."
    return Finding(Level.FAILED, f"studio=false, but {studio} is deployed and uses the core stack's exports", remedy)


def check_instance_quota(account: AwsAccount, config: Config) -> Finding:
    """Compare the quota of endpoint instances of the type with one instance and with ``max_instances``."""
    wanted = f"{config.instance_type} for endpoint usage"
    quota = _find_quota(account, wanted)
    if quota is None:
        return Finding(
            Level.UNKNOWN, f"Service Quotas has no {wanted!r} in {account.region}", "Is the type offered in the region?"
        )
    value = int(quota["Value"])
    remedy = (
        "Run `aws service-quotas request-service-quota-increase --service-code sagemaker "
        f"--quota-code {quota['QuotaCode']} --desired-value {config.max_instances}`; it may take days."
    )
    if value < 1:
        return Finding(Level.FAILED, f"{wanted}: {value}, so that the endpoint cannot be created", remedy)
    if value < config.max_instances:
        found = f"{wanted}: {value}, fewer than max_instances ({config.max_instances})"
        return Finding(Level.WARNING, found, f"{remedy} Or lower max_instances.")
    return Finding(Level.OK, f"{wanted}: {value}")


def _find_quota(account: AwsAccount, name: str) -> dict[str, str] | None:
    client = account.client("service-quotas")
    # A quota that was never changed may be among the defaults only.
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode="sagemaker"):
            for quota in page["Quotas"]:
                if quota["QuotaName"] == name:
                    return dict(quota)
    return None


def check_function_concurrency(account: AwsAccount) -> Finding:
    """Compare the account's limit of concurrent functions with what a burst of uploads takes."""
    limit = account.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    if limit < CONCURRENT_FUNCTIONS:
        remedy = (
            "Run `aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 "
            "--desired-value 1000`. Until then bursts are throttled and callers get 429 or 503."
        )
        return Finding(Level.WARNING, f"{limit} functions at once; {CONCURRENT_FUNCTIONS} or more are advised", remedy)
    return Finding(Level.OK, f"{limit} functions at once")

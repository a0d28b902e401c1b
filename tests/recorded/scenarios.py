"""Sequence of all scenarios in one deployment, for recording and for comparison with today's code."""

from collections.abc import Callable

from tests.recorded import endpoint, failures, files, kinds, reuse, service
from tests.recorded.fake_deployment import BUCKET, FakeDeployment, Item, OutcomeOf
from tests.recorded.files import Files


def run(deployment: FakeDeployment) -> Files:
    """Play everything; what was seen, by the name of its file."""
    reuse.engine_digests(deployment)
    jobs = {scenario.name: kinds.run(deployment, scenario) for scenario in kinds.SCENARIOS}
    reuse.run(deployment)
    failures.run(deployment)
    endpoint.sockets(deployment)
    endpoint.cold_starts(deployment)
    endpoint.reports(deployment)
    service.run(deployment, jobs["upscale-preview"])
    endpoint.ledger(deployment)
    return deployment.files


def recorded_outcomes() -> OutcomeOf:
    """The outcomes that a container of the recorded version wrote, in the order in which scenarios ask for them."""
    known: dict[str, Item] = {}
    for name in files.names("outcomes"):
        for outcome in files.read(name).values():
            if "job_id" in outcome:
                known[f"{outcome['job_id']}-{outcome['attempt']}"] = outcome

    def outcome_of(_name: str, invocation: Item) -> Item:
        return known[f"{invocation['job_id']}-{invocation['attempt']}"]

    return outcome_of


def container_outcomes(outcome: Callable[..., Item]) -> OutcomeOf:
    """Outcomes by today's container, which has for each scenario what it takes."""

    def outcome_of(name: str, invocation: Item) -> Item:
        if name in failures.RAISED:
            return outcome(invocation, error=failures.RAISED[name])
        weights = name not in ("engine_unavailable", kinds.FALLBACK.name)
        return outcome(invocation, weights=weights, silent=name != "abandoned")

    return outcome_of


def objects(deployment: FakeDeployment) -> dict[str, Item]:
    """The headers of an object of each prefix of the bucket and each kind of file, as they were stored.

    Their keys are left out: which live picture of which job is stored depends on speed.
    """
    found: dict[str, Item] = {}
    for page in deployment.bucket.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for entry in page.get("Contents", []):
            key = entry["Key"]
            prefix, _, rest = key.partition("/")
            name = f"{prefix}/*/{rest.rpartition('/')[2]}" if prefix == "results" else f"{prefix}/*"
            if name in found:
                continue
            head: Item = {**deployment.bucket.head_object(Bucket=BUCKET, Key=key)}
            names = ("ContentType", "ContentDisposition", "CacheControl", "ContentEncoding", "Metadata")
            found[name] = {each: head[each] for each in names if head.get(each)}
    return found

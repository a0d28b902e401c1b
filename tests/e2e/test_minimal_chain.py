"""Minimal chain of the benchmark: the load client gets its jobs' ends in every way of watching."""

import asyncio
from collections.abc import Iterator

import pytest

from bench.load_client import LoadTarget, Watcher, run_load
from bench.minimal_chain.chain import minimal_chain
from infra.local.stack import LocalStack


@pytest.fixture(scope="module")
def target(stack: LocalStack) -> Iterator[LoadTarget]:
    with minimal_chain(stack) as target:
        yield target


@pytest.mark.parametrize("watcher", list(Watcher))
def test_every_job_ends(target: LoadTarget, watcher: Watcher) -> None:
    load = asyncio.run(run_load(target, in_flight=2, jobs=3, watcher=watcher))
    assert len(load.done) == len(load.uploaded) == 3
    assert load.cpu_seconds > 0

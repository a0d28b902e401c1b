"""Cache key: equal exactly for identical jobs."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.dynamodb.attributes import from_attribute, to_attribute
from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from handlers.jobs.result_cache import cache_key

_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**32), 2**32) | st.floats(-1e6, 1e6) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_job = st.fixed_dictionaries(
    {
        "owner": st.sampled_from(["a", "b", "a#b"]),
        "kind": st.sampled_from(Kind),
        "engine": st.sampled_from(Engine),
        "params": st.dictionaries(st.sampled_from(["seed", "scale", "prompt", "style"]), _json),
        "inputs": st.dictionaries(st.sampled_from(["photo", "mask"]), st.sampled_from(["0" * 64, "1" * 64])),
        "engine_digest": st.sampled_from(["x", "y"]),
    }
)


@settings(max_examples=150, deadline=None)
@given(one=_job, other=_job)
def test_two_jobs_have_the_same_key_only_if_all_their_values_are_equal(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    as_stored = from_attribute(to_attribute(one)), from_attribute(to_attribute(other))
    # As JSON: Python takes False for 0.
    same = json.dumps(as_stored[0], sort_keys=True) == json.dumps(as_stored[1], sort_keys=True)
    assert (cache_key(**one) == cache_key(**other)) == same


@settings(max_examples=100, deadline=None)
@given(job=_job)
def test_params_read_from_the_table_have_the_same_key(job: dict[str, Any]) -> None:
    stored = from_attribute(to_attribute(job["params"]))
    assert cache_key(**job) == cache_key(**{**job, "params": dict(reversed(stored.items()))})

"""Fixtures of the decoder's tests."""

from collections.abc import Iterator

import pytest

from pipeline.decoding.pool import DecoderPool


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    pool = DecoderPool()
    yield pool
    pool.close()

"""Streams: numpy's own generators, number by number."""

import numpy as np
import pytest

from sweeps.protocol.streams import streams


def test_each_stream_is_numpys_generator_of_its_seed():
    seeds = [0, 1, 2**31 - 1, 2**32 - 1, *np.random.default_rng(0).integers(0, 2**32, 60).tolist()]
    for place, (seed, stream) in enumerate(zip(seeds, streams(seeds), strict=True)):
        own = np.random.Generator(np.random.SFC64(seed))
        # An odd number of 32-bit draws leaves half a word, which must not reach the next stream.
        for drawn in (stream, own):
            drawn.integers(0, 9, place % 3, dtype=np.uint32)
        assert [stream.standard_normal(), stream.random(), stream.chisquare(3)] == [
            own.standard_normal(),
            own.random(),
            own.chisquare(3),
        ]


def test_no_seed_no_stream_and_none_beyond_32_bits():
    assert list(streams([])) == []
    with pytest.raises(OverflowError):
        list(streams([2**32]))

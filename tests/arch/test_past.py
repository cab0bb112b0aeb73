"""Past: what modules keep of earlier tokens, step by step, and of tokens that are not kept."""

import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.past import Past, along, summed
from arch.positions import Rotary


def past(at, live=(True, True), place=None, room=3, length=4):
    at = jnp.asarray(at)
    return Past(at=at, place=at if place is None else jnp.asarray(place), live=jnp.asarray(live), room=room, length=length)


class Keeps(nn.Module):
    """All three ways to keep."""

    @nn.compact
    def __call__(self, x, here):
        return (
            here.stored(self, 'all', x),
            here.recent(self, 'few', x, 1, blank=-1),
            here.carried(self, summed, jnp.full_like(x[:, 0], 10), x),
        )


def test_tokens_are_kept_where_they_stand_and_only_where_they_are_kept():
    """Two texts of numbers; the second one's token 2 is written over by its next one."""
    memory, told = {}, []
    for at, live, x in (((0, 0), (True, True), (1, 5)), ((1, 1), (True, False), (2, 6)), ((2, 1), (True, True), (3, 7))):
        told, memory = Keeps().apply(memory, jnp.asarray(x, jnp.int32)[:, None], past(at, live), mutable=['past'])
        if at == (0, 0):
            assert told[1].tolist() == [[-1, 1], [-1, 5]]
        if at == (1, 1):
            assert [part.tolist() for part in told] == [[[1, 2, 0], [5, 6, 0]], [[1, 2], [5, 6]], [[13], [21]]]
    assert [part.tolist() for part in told] == [[[1, 2, 3], [5, 7, 0]], [[2, 3], [5, 7]], [[16], [22]]]


def test_rows_and_turns_go_by_the_place_in_the_sequence_and_what_is_seen_by_that_in_the_buffer():
    here, table = past((0, 1), place=(2, 3)), np.arange(8.0).reshape(4, 2)
    assert here.row(table).tolist() == [[[4.0, 5.0]], [[6.0, 7.0]]]
    assert here.seen.tolist() == [[[True, False, False]], [[True, True, False]]]
    part = jnp.asarray(np.random.default_rng(0).normal(size=(2, 1, 1, 4)), jnp.float32)
    whole = Rotary().rotation(jnp.broadcast_to(part, (2, 4, 1, 4)), (4,))
    np.testing.assert_array_equal(here.turned(Rotary().rotation, part)[:, 0], whole[jnp.arange(2), jnp.asarray([2, 3])])


def test_without_a_past_all_positions_are_taken_at_once():
    whole = along(None, nn.Module(), lambda x, y: x + y, summed, jnp.zeros(1), jnp.ones(2), jnp.ones(2))
    assert whole.tolist() == [2.0, 2.0]

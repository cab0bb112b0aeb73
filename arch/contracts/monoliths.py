"""The contracts of a user's own whole model: those of blocks that can be asked of it.

What a block says of its places, its knobs and the depth cannot: it has no sockets, reads no knob and is not scanned.
"""

import dataclasses
import functools
from collections.abc import Mapping

import jax

from arch.contracts.numbers import edges, gradient, lanes
from arch.contracts.programs import Programs
from arch.contracts.sight import batch, causal
from arch.contracts.traced import repeatable, shape, statistics
from arch.model_sockets import Sockets
from arch.monolith import drawn, scored
from arch.monolith_roles import products_of, roles_of
from arch.probe import PLAIN, Probe
from arch.shape_lines import SIZES, ShapeLine


def roles(programs: Programs) -> str:
    """every parameter has a role, one is the head, and every matrix says which of its axes go in and out"""
    block, (params, _) = programs.block, programs.block.drawn()
    roles_of(block.cls.FROM, params)
    products_of(block.cls.FROM, params)
    return ''


RULES = {
    'shape': shape,
    'roles': roles,
    'gradient': gradient,
    'edges': edges,
    'lanes': lanes,
    'causal': causal,
    'batch': batch,
    'repeatable': repeatable,
    'statistics': statistics,
}
"""Rule -> its check, as of blocks."""


@dataclasses.dataclass(frozen=True)
class MonolithProbe(Probe):
    """A whole model as pure functions, on an input of one of its shape lines."""

    @property
    def fields(self) -> dict[str, object]:
        return {}

    @property
    def knobs(self) -> tuple[str, ...]:
        return ()

    def init(self, key: jax.Array, x: jax.Array, knobs: Mapping = {}, causal: bool = False) -> tuple[dict, dict]:
        return drawn(self.module.own(causal), key, x)

    def apply(
        self,
        params: dict,
        state: dict,
        x: jax.Array,
        *,
        key: jax.Array | None = None,
        train: bool = False,
        causal: bool = False,
        **_: object,
    ) -> tuple:
        return scored(self.module.own(causal), params, state, x, key, train)

    def applied(self, params: dict, state: dict, x: jax.Array, **context: object) -> tuple:
        y, state = self.apply(params, state, x, **context)
        return y, {'state': state}

    @functools.cached_property
    def _drawn(self) -> tuple[dict, dict]:
        return jax.eval_shape(lambda x: self.init(jax.random.key(0), x), self.x())


def monolith_probe(kind: str, tables: Mapping[str, Mapping[str, type]], line: ShapeLine) -> MonolithProbe:
    """The probe of one model for one shape line. Raises ValueError for a field that has to be given and is not."""
    ids = line.given == ('B', 'N')
    config = {
        **PLAIN,
        'body': {'kind': kind},
        'stem': {'kind': 'tokens', 'vocabulary': SIZES['V']} if ids else PLAIN['stem'],
        'head': {'kind': 'next_token' if line.made == ('B', 'N', 'V') else 'classifier', 'outputs': SIZES['V']},
    }
    return MonolithProbe('body', kind, tables, line, Sockets(config, tables).make('body', name=None))

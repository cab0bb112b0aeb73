"""Contracts: the rules that every block must keep, the lab's own and a user's.

`check` tries one entry of a table alone in its socket, on a tiny random input for each shape line of its docstring.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from flax import linen as nn

from ablations.user_file import STOPS, in_words, of_user
from arch.block import BASES, adopted_tables
from arch.contracts.monoliths import RULES as MONOLITH_RULES
from arch.contracts.monoliths import monolith_probe
from arch.contracts.numbers import edges, gradient, lanes, scan
from arch.contracts.programs import Programs
from arch.contracts.sight import batch, causal, equivariant
from arch.contracts.traced import dtype, explicit_names, flags, parameter_roles, repeatable, shape, statistics, traced_knobs
from arch.contracts.whole import bodies, generates, whole
from arch.declared import mistakes
from arch.make import fields
from arch.monolith import Monolith
from arch.probe import handed, probe
from arch.shape_lines import shape_lines
from arch.sockets import TABLES


@dataclasses.dataclass(frozen=True)
class Contract:
    """One rule on one block: whether it holds, and why; where it fails, what to change."""

    rule: str
    holds: bool
    why: str


RULES = {
    'shape': shape,
    'flags': flags,
    'dtype': dtype,
    'names': explicit_names,
    'roles': parameter_roles,
    'gradient': gradient,
    'edges': edges,
    'lanes': lanes,
    'scan': scan,
    'causal': causal,
    'equivariant': equivariant,
    'batch': batch,
    'knobs': traced_knobs,
    'repeatable': repeatable,
    'statistics': statistics,
    'bodies': bodies,
    'whole': whole,
    'generates': generates,
}
"""Rule -> its check: '' where it holds, else what to change. The docstring states the rule."""
HANDED = ('gradient', 'edges', 'causal', 'batch')
"""The rules that a mixer must also keep with everything in its TAKES given."""


def _tried(name: str, rule: Callable[[], str], says: str) -> Contract:
    try:
        with of_user():
            why = rule()
    except STOPS as error:  # a user's class may raise anything: that is a finding, not the end of the check
        why = in_words(error)
    return Contract(name, not why, why or says)


def _definition(cls: type) -> str:
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        return f'{cls!r} is no class of flax.linen.Module; make it one'
    blank = dataclasses.MISSING
    bare = [name for name, field in fields(cls).items() if field.default is blank and field.default_factory is blank]
    if bare:
        return f'the fields {bare} have no default; give each one'
    return '' if shape_lines(cls) else 'the docstring has no shape line; add e.g. `[B, N, C] -> [B, N, C]`'


def check(
    family: str,
    kind: str,
    tables: Mapping[str, Mapping[str, type]] = TABLES,
    rules: Iterable[str] = tuple(RULES),
    lines: int | None = None,
) -> list[Contract]:
    """Try rules on one entry of a table; if a rule fails on a shape line, its `why` names the line.

    `lines`: how many of its shape lines, from the first on; None means all.

    An entry that can't be made fails `definition`, an unknown flag fails `flags`, and a wrong shape fails `shape`; then nothing
    else is tried. A user's own whole model keeps the rules that can be asked of it. Raises ValueError for an entry that is not
    in the tables.
    """
    if family not in tables or kind not in tables[family]:
        allowed = sorted(tables.get(family, tables))
        raise ValueError(f"check: no {family} '{kind}'; allowed: {allowed}; name an entry of a table")
    tables, probes, laden = adopted_tables(tables), [], []
    cls = tables[family][kind]
    first = _tried('definition', lambda: _definition(cls), 'a module whose fields have defaults, with a shape line')
    if not first.holds:
        return [first]
    declared = Contract('flags', False, '; '.join(mistakes(cls, BASES[family])))
    if declared.why:
        return [first, declared]

    whole = issubclass(cls, Monolith)
    all_rules = MONOLITH_RULES if whole else RULES

    def shapes() -> str:
        for line in shape_lines(cls)[:lines]:
            probes.append(Programs(monolith_probe(kind, tables, line) if whole else probe(family, kind, tables, line)))
        laden.extend(Programs(other) for other in [handed(probes[0].block)] if other)
        return next(filter(None, map(shape, [*probes, *laden])), '')

    contracts = [first, _tried('shape', shapes, shape.__doc__)]
    if not contracts[-1].holds:
        return contracts
    for name, rule in all_rules.items():
        if name != 'shape' and name in rules:
            tried = [*probes, *laden] if name in HANDED else probes
            contracts.append(
                _tried(name, lambda rule=rule, tried=tried: next(filter(None, map(rule, tried)), ''), rule.__doc__)
            )
    return contracts

"""Make: the one look-up from a spec to a block."""

import dataclasses
import difflib
import math
from collections.abc import Iterable

RESERVED = ('parent', 'name', 'sockets', 'features', 'stride', 'site', 'closing', 'stem')
"""Fields that the lab sets and a spec may not: `sockets`, those of the model; `features`, the width of the output; `stride`, of
a mixer or shortcut that subsamples; `site`, the place of a norm (`arch.block.SITES`); `closing`, whether a residual rule's
branch is the last of its block; `stem`, the model's stem for a head."""


def fields(cls: type) -> dict[str, dataclasses.Field]:
    """The fields that a spec may set on a block class."""
    return {field.name: field for field in dataclasses.fields(cls) if field.init and field.name not in RESERVED}


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """The end of an error: ' Did you mean X?' where one of the allowed names is close, else ''.

    >>> did_you_mean('layr_norm', ['batch_norm', 'layer_norm'])
    " Did you mean 'layer_norm'?"
    """
    close = difflib.get_close_matches(str(given), list(allowed), n=1)
    return f" Did you mean '{close[0]}'?" if close else ''


def _fits(value: object, default: object) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, (int, float))
    if isinstance(default, (tuple, list)):
        return (
            isinstance(value, (tuple, list))
            and len(value) >= min(len(default), 1)
            and all(_fits(item, default[0]) for item in value if default)
        )
    return isinstance(value, type(default))


def _finite(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _default(field: dataclasses.Field) -> object:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _wanted(default: object) -> str:
    if isinstance(default, (tuple, list)):
        return f'a list such as {list(default)}' if default else 'a list'
    return f'{type(default).__name__} such as {default!r}'


def make(family: str, table: dict[str, type], spec: dict, **given: object):
    """An unbound block of the kind that `spec` names, with its fields; `given` are the lab's own (name, sockets).

    >>> from arch.norms import NORMS
    >>> norm = make('norm', NORMS, {'kind': 'rms_norm', 'eps': 1e-5}, name='norm_mixer', site='mixer')
    >>> norm.eps, norm.site, norm.name
    (1e-05, 'mixer', 'norm_mixer')
    >>> make('norm', NORMS, {'kind': 'rms_nrom'})
    Traceback (most recent call last):
    ValueError: norm: unknown kind 'rms_nrom'; allowed: ['adaptive_layer_norm', ...]. Did you mean 'rms_norm'?

    Raises ValueError, with what is allowed, on an unknown kind, an unknown or missing field, or a value of a wrong type or not
    finite.
    """
    if not isinstance(spec, dict) or 'kind' not in spec:
        raise ValueError(f"{family}: given {spec!r}, allowed a spec {{'kind': ..., fields}}; name a kind of {sorted(table)}")
    kind = spec['kind']
    if not isinstance(kind, str) or kind not in table:
        raise ValueError(f"{family}: unknown kind '{kind}'; allowed: {sorted(table)}.{did_you_mean(kind, table)}")
    cls = table[kind]
    known = fields(cls)
    values = {name: value for name, value in spec.items() if name != 'kind'}
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"{family} '{kind}': unknown field '{name}'; allowed: {sorted(known)}.{did_you_mean(name, known)}")
        default = _default(known[name])
        if default is not dataclasses.MISSING and default is not None and not _fits(value, default):
            is_list = isinstance(value, (tuple, list)) and isinstance(default, (tuple, list))
            said = (
                f'has {"a value of another type" if value else "nothing in it"}' if is_list else f'is a {type(value).__name__}'
            )
            raise ValueError(f"{family} '{kind}': {name}={value!r} {said}; allowed: {_wanted(default)}; mend the value")
        if isinstance(value, list):
            values[name] = tuple(value)
    missing = [n for n, f in known.items() if _default(f) is dataclasses.MISSING and n not in values]
    if missing:
        raise ValueError(f"{family} '{kind}': {missing} must be given; add {', '.join(f'{n}=...' for n in missing)}")
    own = {field.name for field in dataclasses.fields(cls)}
    made = cls(**values, **{name: value for name, value in given.items() if name in own})
    # After the kind's own look at its fields, which knows more of what is allowed.
    for name in values:
        if not _finite(value := spec[name]):
            raise ValueError(f"{family} '{kind}': {name}={value!r}; allowed: finite numbers; change {name}")
    return made


def positive(family: str, **values: float) -> None:
    """Raise ValueError for the first of `values` that is not above 0."""
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f'{family}: {name}={value} is given, allowed is above 0; raise {name}')


def divides(family: str, part: str, count: int, whole: str, size: int) -> None:
    """Raise ValueError where the field `part`, of value `count`, is not above 0 or does not divide `size`, named `whole`."""
    positive(family, **{part: count})
    if size % count:
        fits = [number for number in range(1, size + 1) if size % number == 0]
        raise ValueError(f'{family}: {part}={count} does not divide {whole}={size}; allowed: {fits}; change {part} or {whole}')

"""Declared: a check of the flags that a class declares.

A misspelt flag would change nothing without an error, so it must not pass. Refused are:

- a known flag with a value of another type, or with an unknown word, or as a field (`FITS: tuple = ...`), or of another family;
- a name close to a flag, in capitals or not, and any name in capitals with a value that only a flag has: a bool or places;
- a flag that a method sets on an instance, and a flag of a base class behind the lab's default;
- a flag without the member that it promises, such as `STREAMS = True` without an `enter`.

Other constants in capitals, such as `TAPS = 4`, are the class's own affair.
"""

import dataclasses
import difflib
import dis
import functools
import inspect
from collections.abc import Iterable, Mapping

from arch.block import BASES, Body, Downsample, Mixer, Residual
from arch.flags import PLACES, TAKEN, Flags, Knob
from arch.make import did_you_mean
from arch.roles import AXES

WORDS = {'FITS': (*PLACES,), 'NEEDS': (*TAKEN,), 'TAKES': (*TAKEN,)}
"""The words that such a flag may hold; the `FITS` of a norm also 'queries'."""
PLACE_OF_NORMS = 'queries'
CLOSE, CLOSER = 0.7, 0.85
"""The least similarity to a flag of a name that may be one, and of a sure misspelling."""


def flags_of(base: type[Flags]) -> dict[str, object]:
    """The flags of a family, by its base class: each with its default.

    >>> from arch.block import Mixer
    >>> [name for name, default in flags_of(Mixer).items() if default is False]
    ['GENERATES', 'MIXES_BATCH', 'EQUIVARIANT', 'SUBSAMPLES']
    """
    flags = {}
    for cls in reversed(base.__mro__):
        if issubclass(cls, Flags):
            flags.update({name: vars(cls)[name] for name in vars(cls).get('__annotations__', {}) if name.isupper()})
    return flags


DEFAULTS = {name: default for base in BASES.values() for name, default in flags_of(base).items()}
"""Every flag of every family."""


def check_flags(family: str, kind: str, cls: type[Flags]) -> None:
    """Raise ValueError for the first mistake in the flags of a class.

    >>> from arch.block import Norm
    >>> class Mine(Norm):
    ...     FITTS = ('tokens',)
    >>> check_flags('norm', 'mine', Mine)
    Traceback (most recent call last):
    ValueError: norm 'mine': FITTS is no flag; allowed: ['EQUIVARIANT', 'FITS', ...]. Did you mean 'FITS'?
    """
    base = BASES.get(family, Flags)
    for mistake in mistakes(cls, base)[:1]:
        raise ValueError(f"{family} '{kind}': {mistake}")


@functools.cache
def mistakes(cls: type[Flags], base: type[Flags]) -> tuple[str, ...]:
    """The mistakes in the flags of a class of a family, each with its fix."""
    return tuple(_mistakes(cls, base))


def _mistakes(cls: type[Flags], base: type[Flags]) -> Iterable[str]:
    flags, fields = flags_of(base), {field.name for field in dataclasses.fields(cls)}
    own = [owner for owner in cls.__mro__ if owner not in base.__mro__ and not owner.__module__.startswith('flax.')]
    for owner in own:
        for name in {**vars(owner).get('__annotations__', {}), **vars(owner)}:
            if name in flags and name in fields:
                yield f'{name} is a field, which a spec could set; write {name} = ... without a type'
            elif name in flags:
                yield from _mistyped(name, vars(owner)[name], flags[name], cls, base)
            elif not name.startswith('__'):
                yield from _misnamed(name, vars(owner).get(name), name in fields, flags)
        for method in filter(inspect.isfunction, vars(owner).values()):
            for name in sorted(_stored(method) - fields):
                if name.isupper() and _closest(name, CLOSE):
                    yield (
                        f'{method.__name__} sets {name} on an instance, which nobody reads; '
                        f'write {_closest(name, CLOSE)} = ... in the class'
                    )
    for name in flags:
        owner = next((owner for owner in own if name in vars(owner)), None)
        seen = next(owner for owner in cls.__mro__ if name in vars(owner))
        if owner is not None and seen is not owner:
            yield f'{name} of {owner.__name__} is hidden by {seen.__name__}; name {owner.__name__} first among the base classes'
    yield from _broken_promises(cls, fields)


def _mistyped(name: str, value: object, default: object, cls: type[Flags], base: type[Flags]) -> Iterable[str]:
    """The mistake of a known flag with a value of another type than its default, or with unknown words."""
    shown = f'{name} = {value!r}'
    if inspect.isdatadescriptor(value):
        yield f'{name} is a property, which a class has not yet; write {name} = ... with a value such as {default!r}'
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            yield f'{shown} is a {type(value).__name__}; allowed: True or False; mend the value'
    elif isinstance(default, int):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            yield f'{shown}; allowed: whole numbers from 1; mend the value'
    elif name == 'KERNELS':
        yield from _wrong_kernels(shown, value)
    elif isinstance(default, Mapping):
        yield from _wrong_knobs(shown, value, cls)
    else:
        words = (*WORDS[name], PLACE_OF_NORMS) if name == 'FITS' and base is BASES['norm'] else WORDS[name]
        if not isinstance(value, (tuple, list, set, frozenset)):
            yield f'{shown} is a {type(value).__name__}; allowed: a tuple of {list(words)}; write e.g. ({words[-1]!r},)'
            return
        unknown = next((word for word in value if word not in words), None)
        if unknown is not None:
            yield f'{shown} holds {unknown!r}; allowed: {list(words)}.{did_you_mean(unknown, words)}'
        elif name == 'FITS' and not value:
            yield f'{shown} works nowhere; allowed: some of {list(words)}; name the places where it works'


def _wrong_knobs(shown: str, value: object, cls: type[Flags]) -> Iterable[str]:
    """The mistake of KNOBS that do not map to numbers or to fields with numbers."""
    if not isinstance(value, Mapping):
        yield f"{shown} is a {type(value).__name__}; allowed: a dict of numbers or fields; write e.g. {{'gain': 1.0}}"
        return
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    for knob, given in value.items():
        first = given.first if isinstance(given, Knob) else given
        if isinstance(given, Knob) and not (_number(given.low) and _number(given.high) and given.low < given.high):
            yield f'{shown}: the bounds of knob {knob!r} hold nothing; allowed: numbers, low < high; mend them'
        elif isinstance(first, str):
            if first not in defaults:
                yield f"{shown}: '{first}' is no field of it; allowed: a field or a number.{did_you_mean(first, defaults)}"
            elif not _number(defaults[first]):
                yield f"{shown}: the field '{first}' has no number as default; allowed: a field that has; give it one"
        elif not _number(first):
            yield f'{shown}: {first!r} of knob {knob!r} is no number; allowed: a number, or the name of a field'


def _wrong_kernels(shown: str, value: object) -> Iterable[str]:
    """The mistake of KERNELS that do not name input axes, output axes or filter taps."""
    written = value.values() if isinstance(value, Mapping) else [None]
    for words in written:
        fine = isinstance(words, (tuple, list)) and set(words) <= set(AXES)
        if not fine or not ('tap' in words or {'in', 'out'} <= set(words)):
            yield (
                f'{shown}; allowed: for each path to a kernel a tuple with a word of {list(AXES)} for each axis, '
                "'in' and 'out' or 'tap' among them; write e.g. {'attend/query': ('in', 'out', 'out')}"
            )
            return


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _misnamed(name: str, value: object, is_field: bool, flags: Mapping[str, object]) -> Iterable[str]:
    """The mistake of a name that is a flag of another family, or seems to be meant as a flag."""
    capital, plain = name.isupper(), name.strip('_').upper()
    if name in DEFAULTS:
        families = sorted(family for family, base in BASES.items() if name in flags_of(base))
        yield f'{name} is a flag of {families} alone; allowed here: {sorted(flags)}; leave it out'
        return
    closest = _closest(plain, CLOSE)
    bound = callable(value) or inspect.isdatadescriptor(value) or isinstance(value, (classmethod, staticmethod))
    if not capital and (bound or (is_field and not (closest and _of_words(value)))):
        return
    begun = closest or next((flag for flag in DEFAULTS if _same_stem(plain, flag)), None)
    alike = begun is not None and type(value) is type(DEFAULTS[begun])
    if capital:
        meant = _closest(plain, CLOSER) or alike or isinstance(value, bool) or (closest and _could_be(value, DEFAULTS[closest]))
    else:
        meant = closest and (alike or _of_words(value))
    if meant or (_of_words(value) and not isinstance(value, str)):
        yield f'{name} is no flag; allowed: {sorted(flags)}.' + (f" Did you mean '{begun}'?" if begun else ' Rename it.')


def _closest(name: str, alike: float) -> str | None:
    """The closest flag to a name, with at least this similarity."""
    return next(iter(difflib.get_close_matches(name, DEFAULTS, n=1, cutoff=alike)), None)


def _same_stem(name: str, flag: str) -> bool:
    """Whether a name begins like a flag without its last letter, or a flag like the name: FITTED, SCALES."""
    return name.startswith(flag.removesuffix('S')) or (len(name) > 2 and flag.startswith(name))


def _of_words(value: object) -> bool:
    """Whether a value consists of words of flags."""
    words = (value,) if isinstance(value, str) else value
    known = {PLACE_OF_NORMS, *PLACES, *TAKEN}
    if not isinstance(words, (tuple, list, set, frozenset)) or not words:
        return False
    return all(isinstance(word, str) and word in known for word in words)


def _could_be(value: object, default: object) -> bool:
    """Whether a value could be meant for a flag with this default."""
    if isinstance(default, bool):
        return value is None or isinstance(value, str) or (isinstance(value, int) and value in (0, 1))
    if isinstance(default, int):
        return isinstance(value, int)
    if isinstance(value, (tuple, list, set, frozenset)):
        return all(isinstance(word, str) for word in value)
    return value is None or isinstance(value, (str, Mapping))


def _stored(method: object) -> set[str]:
    """The attributes that a method sets on something."""
    return {step.argval for step in dis.get_instructions(inspect.unwrap(method)) if step.opname == 'STORE_ATTR'}


def _broken_promises(cls: type[Flags], fields: set[str]) -> Iterable[str]:
    """The mistake of a flag without the member that it promises."""
    if issubclass(cls, Body) and cls.SCANS and 'over_depth' not in fields:
        yield "SCANS = True, but it has no field 'over_depth' for the lab to set; add the field or say SCANS = False"
    if issubclass(cls, Mixer) and cls.SUBSAMPLES and 'stride' not in fields:
        yield "SUBSAMPLES = True, but it has no field 'stride' for the lab to set; add the field or say SUBSAMPLES = False"
    if issubclass(cls, Downsample) and cls.IN_BLOCK and 'step' not in dir(cls):
        yield "IN_BLOCK = True, but it has no 'step' for the block to read; add the property or say IN_BLOCK = False"
    if issubclass(cls, Residual) and cls.STREAMS and (cls.enter is Residual.enter or cls.leave is Residual.leave):
        yield 'STREAMS = True, but it has not both an enter and a leave; add them or say STREAMS = False'

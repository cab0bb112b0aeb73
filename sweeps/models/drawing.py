"""Drawing: the composition of a model as lines of plain text, in the order of computation."""

import dataclasses
import math
import textwrap

from ablations.neutral import neutral_fields
from arch.outline import Part, outline
from sweeps.models.describe import Subject
from sweeps.models.specs import defaults

WIDTH, NAME, COUNT = 100, 20, 17
"""The width of a line, of its first column and of its last, in characters."""
QUIET = ('kind', 'eps', 'momentum')
"""Fields that a drawing leaves out, because they say little about the composition."""
NOTHING = ('none', 'identity')


def drawing(subject: Subject) -> list[str]:
    """The lines of a drawing: every part with its kind, its fields, its output for one example and its parameters.

    A shape is written where it changes. Equal blocks are drawn once. Raises ValueError where the model does not build.
    """
    whole = _outlined(subject)
    title = f'{subject.name}: {subject.about}' if subject.about else subject.name
    shape = subject.x.shape[1:]
    lines = [title, _line('', '', 'output', 'parameters')]
    lines.append(_line('input', 'token ids' if len(shape) == 1 else 'image', _sizes((shape,)), ''))
    for part in whole:
        if part.kind in NOTHING and not part.params:
            continue
        times = f'{part.times} x ' if part.socket == 'block' else ''
        name = f'{times}block' if part.socket == 'block' else part.name
        inner = [] if part.socket == 'block' else _inner(part)
        lines.append(_line(name, _what(part, subject, inner), _sizes(part.shape), _count(part, times)))
        before = part.shape
        for inside in part.inside if part.socket == 'block' else ():
            if inside.kind in NOTHING and not inside.params and inside.socket != 'residual':
                continue
            changed = _sizes(inside.shape) if inside.shape != before else ''
            lines.append(_line(f'  {inside.name}', _what(inside, subject, _inner(inside)), changed, _count(inside, '')))
            before = inside.shape
    total = sum(part.times * part.params for part in whole)
    return [*lines, _line('in all', '', '', f'{total:,}')]


def parts(subject: Subject) -> list[dict]:
    """The parts of a drawing as plain data: name, socket, kind, shape, params, kernel, times, and inner parts."""
    return [dataclasses.asdict(part) for part in _outlined(subject)]


def _outlined(subject: Subject) -> list[Part]:
    with subject.building():
        return outline(subject.config, subject.x, subject.tables)


def _line(name: str, what: str, shape: str, count: str) -> str:
    """A line, or several where it has no room for all that is said of a part; the numbers stand in the first one."""
    numbers = f'{shape}{count:>{COUNT}}' if shape or count else ''
    room = WIDTH - NAME - 1
    first, *more = _cut(what, max(room - 1 - len(numbers), NAME)) or ['']
    left = f'{name:<{NAME}} {first}'
    lines = [
        f'{left} {numbers.rjust(WIDTH - len(left) - 1)}',
        *(' ' * (NAME + 1) + line for line in _cut(' '.join(more), room)),
    ]
    return '\n'.join(line.rstrip() for line in lines)


def _cut(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _sizes(shapes: tuple[tuple[int, ...], ...]) -> str:
    """`[56, 56, 96]`; several arrays of one size as `4 x [32, 64]`."""
    if not shapes:
        return ''
    largest = max(shapes, key=math.prod)
    alike = sum(shape == largest for shape in shapes)
    return (f'{alike} x ' if alike > 1 else '') + str(list(largest))


def _count(part: Part, times: str) -> str:
    return f'{times if part.times > 1 else ""}{part.params:,}' if part.params else ''


def _inner(part: Part) -> list[str]:
    """The kinds from sockets inside a part, each once."""
    kinds = []
    for inside in part.inside:
        kinds += [inside.kind] if inside.socket and inside.kind not in NOTHING else _inner(inside)
    return list(dict.fromkeys(kinds))


def _what(part: Part, subject: Subject, inner: list[str]) -> str:
    """A kind with its important fields and its inner kinds: `mlp ratio=4 with gelu`."""
    if not part.socket:
        if not part.kernel:
            return part.kind
        return f'{"product" if len(part.kernel) == 2 else "convolution"}, {part.kernel[-2]} to {part.kernel[-1]} channels'
    usual = defaults(subject.tables[part.socket][part.kind])
    spec = {**usual, **part.spec}
    words = [part.kind]
    unsaid = neutral_fields(part.socket, part.kind)
    for name, value in spec.items():
        if name in unsaid and value == usual.get(name):
            continue
        plain = isinstance(value, (bool, str)) or value in (0, None)
        if name not in QUIET and not (plain and value == usual.get(name)):
            words.append(f'{name}={value:g}' if isinstance(value, float) else f'{name}={value}')
    return ' '.join(words) + (f' with {", ".join(inner)}' if inner else '')

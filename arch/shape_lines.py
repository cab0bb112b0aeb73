"""Shape lines: the sizes that a class promises in its docstring, such as `[B, N, C] -> [B, N, C]`."""

import dataclasses
import re
from collections.abc import Mapping

LINE = re.compile(r'`\[([^`\]]*)\] -> \[([^`\]]*)\]`')
SIZES = {'B': 7, 'H': 8, 'W': 4, 'N': 6, 'C': 16, 'I': 3, 'F': 12, 'V': 5}
"""What each axis letter measures in a check: all different, so that a swapped axis shows. M is any other number."""
ANY = (('B', 'N'), ('B', 'H', 'W'))
"""What `...` stands for: every one of these."""


@dataclasses.dataclass(frozen=True)
class ShapeLine:
    """The axes of input and output; a letter has the same size on both sides."""

    given: tuple[str, ...]
    made: tuple[str, ...]

    def __str__(self) -> str:
        return f'[{", ".join(self.given)}] -> [{", ".join(self.made)}]'


def shape_lines(cls: type) -> list[ShapeLine]:
    """The shape lines of a class's own docstring, those with `...` once for sequences and once for maps.

    >>> class Halve:
    ...     '''Half of x. `[..., C] -> [..., C]`'''
    >>> [str(line) for line in shape_lines(Halve)]
    ['[B, N, C] -> [B, N, C]', '[B, H, W, C] -> [B, H, W, C]']
    """
    lines = []
    for sides in LINE.findall(cls.__doc__ or ''):
        given, made = (tuple(axis.strip() for axis in side.split(',')) for side in sides)
        for axes in ANY if '...' in (*given, *made) else ((),):
            lines.append(ShapeLine(*(_filled(side, axes) for side in (given, made))))
    return lines


def _filled(side: tuple[str, ...], axes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(new for axis in side for new in (axes if axis == '...' else (axis,)))


def sizes(side: tuple[str, ...], fields: Mapping[str, object]) -> tuple[int | None, ...]:
    """The sizes of one side; `H/patch` is H divided by the block's field `patch`, `H/4` by 4, `N*2` N times 2; None for `M`.

    >>> sizes(('B', 'H/patch', 'W/4', 'N*2', 'C', 'M'), {'patch': 2})
    (7, 4, 1, 12, 16, None)

    Raises ValueError for a letter that no block has, or a divisor or factor that is no field.
    """
    lengths = []
    for axis in side:
        sign = '*' if '*' in axis else '/'
        letter, _, factor = axis.partition(sign)
        if axis == 'M':
            lengths.append(None)
            continue
        if letter not in SIZES:
            raise ValueError(
                f"axis '{axis}' is not in the legend of blocks; allowed: {sorted(SIZES)}, or e.g. H/patch; "
                'write the line in these'
            )
        by = int(factor) if factor.isdigit() else fields.get(factor)
        if factor and not isinstance(by, int):
            does = 'multiplies' if sign == '*' else 'divides'
            raise ValueError(
                f"axis '{axis}' {does} by '{factor}', which is no whole-number field; allowed: {sorted(fields)}; "
                'name one of them'
            )
        size = SIZES[letter]
        lengths.append(size if not factor else size * by if sign == '*' else size // by)
    return tuple(lengths)

"""Screen tables: rows of texts as aligned columns, as wide as they are or as a screen has room for."""

import textwrap
from collections.abc import Sequence

GAP = 2
LONGEST = 24
"""Where a table is too wide, longer texts are cut to so many characters before a column is left out."""
SHORTEST = 12
"""The last column is cut to the room that is left, if that is so much."""
LEAST = 8
"""Lines go on below the last column where it has so much room."""
CUT = '…'


def aligned(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """The whole table; `right` says which columns are aligned to the right.

    >>> print(aligned(['arm', 'n'], [['base', '12']], [False, True]), end='')
    arm    n
    ────  ──
    base  12
    """
    widths = _widths(columns, rows)

    def line(cells: Sequence[str]) -> str:
        return (' ' * GAP).join(
            f'{text:{">" if end else "<"}{wide}}' for text, end, wide in zip(cells, right, widths, strict=True)
        )

    rule = (' ' * GAP).join('─' * wide for wide in widths)
    return ''.join(f'{each.rstrip()}\n' for each in (line(columns), rule, *map(line, rows)))


def shown(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], width: int | None) -> str:
    """A table for a screen of this width; whole where it is None."""
    return aligned(columns, rows, right) if width is None else fitted(columns, rows, right, width)


def folded(line: str, width: int | None) -> str:
    """A line that fits a screen; what does not goes on below its last column, or further in where that stands too far right.

    >>> print(folded('  soft_clip  x x  needs the mixer', 26))
      soft_clip  x x  needs
                      the
                      mixer
    >>> print(folded('Soft clipping of one input', 20))
    Soft clipping of one
      input
    """
    if width is None or len(line) <= width:
        return line
    inner, gap = len(line) - len(line.lstrip()), line.rstrip().rfind('  ')
    indent = gap + 2 if gap >= inner and width - gap - 2 >= LEAST else inner + 2
    return textwrap.fill(line, width, subsequent_indent=' ' * indent, drop_whitespace=True, break_on_hyphens=False)


def fitted(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], width: int) -> str:
    """A table that fits a screen, with a sentence on what it leaves out; a single row that does not fit stands upright."""
    if _taken(_widths(columns, rows)) <= width:
        return aligned(columns, rows, right)
    if len(rows) == 1:
        return upright(columns, rows[0], width)
    whole = _widths(columns, rows)
    room, count = [min(wide, LONGEST, width) for wide in whole], 1
    while count < len(columns) and _taken(room[: count + 1]) <= width:
        count += 1
    spare = width - _taken(room[:count])
    if count < len(columns) and spare >= GAP + SHORTEST:
        room[count], spare, count = min(room[count], spare - GAP), 0, count + 1
    for place in range(count):
        wider = min(whole[place] - room[place], spare)
        room[place], spare = room[place] + wider, spare - wider
    shown = [[_cut(text, wide) for text, wide in zip(row, room[:count], strict=False)] for row in (columns, *rows)]
    notes = {
        'cut short': [name for name, wide, own in zip(columns[:count], room, whole, strict=False) if wide < own],
        'left out for want of room': columns[count:],
    }
    told = '; '.join(f'{words}: {", ".join(names)}' for words, names in notes.items() if names)
    sentence = f'{told[0].upper()}{told[1:]}; --wide shows all.'
    return aligned(shown[0], shown[1:], right[:count]) + textwrap.fill(sentence, width) + '\n'


def upright(columns: Sequence[str], row: Sequence[str], width: int) -> str:
    """One row with a line for each column, or several where its text is longer.

    >>> print(upright(['arm', 'knobs'], ['base', '0.1 and 0.2'], 12), end='')
    arm    base
    knobs  0.1
           and
           0.2
    """
    name = min(max(map(len, columns)), width // 2)
    texts = textwrap.TextWrapper(max(width - name - GAP, 1), drop_whitespace=True)
    lines = []
    for column, text in zip(columns, row, strict=True):
        parts = texts.wrap(text) or ['']
        heads = [column[start : start + name] for start in range(0, len(column), name)]
        for place in range(max(len(parts), len(heads))):
            head, part = (each[place] if place < len(each) else '' for each in (heads, parts))
            lines.append(f'{head:{name + GAP}}{part}'.rstrip())
    return ''.join(f'{line}\n' for line in lines)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + CUT


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(columns, *rows, strict=True)]


def _taken(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)

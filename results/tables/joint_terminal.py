"""Joint terminal: the effects of several studies on a screen, as many studies beside each other as it has room for."""

from rich.console import Group
from rich.text import Text

from results.tables.joint_table import NOTE, Joint, Row, Studies, joint, warnings
from results.tables.terminal import SCREEN, SHORTEST, below_each_other, coloured, frame


def joint_terminal(studies: Studies, width: int = SCREEN) -> Group:
    """Tables by task, for a rich console of so many columns; studies without room beside the others stand below them."""
    made = joint(studies)
    parts = [Text(sentence, style='bold yellow') for sentence in warnings(studies)]
    for title, rows in made.by_task().items():
        for places in _beside(made, rows, width):
            shown = frame(title)
            shown.add_column('arm', overflow='fold', min_width=SHORTEST)
            for place in places:
                shown.add_column(below_each_other(made.studies[place], made.sizes[place]), overflow='fold')
            for row in (row for row in rows if any(row.verdicts[place] for place in places)):
                shown.add_row(row.arm, *(_cell(row, place) for place in places))
            parts += [shown, Text()]
    return Group(*parts, Text(NOTE))


def _cell(row: Row, place: int) -> Text:
    effect, verdict = row.effects[place], row.verdicts[place]
    lines = [Text(text) for text in (effect.text, effect.small) if text]
    return Text('\n').join([*lines, coloured(verdict)])


def _beside(made: Joint, rows: list[Row], width: int) -> list[list[int]]:
    """The studies of each table of a task that has any of them: as many at a time as fit beside the arms."""
    names = max(len(row.arm) for row in rows)
    asked = [place for place in range(len(made.studies)) if any(row.effects[place].small for row in rows)]
    texts = [text for row in rows for place in asked for text in (row.effects[place].small, *row.verdicts[place].split(', '))]
    texts += [text for place in asked for text in (made.studies[place], made.sizes[place])]
    room = max(1, (width - min(names, 3 * SHORTEST)) // (max(map(len, texts), default=1) + 1))
    return [asked[first : first + room] for first in range(0, len(asked), room)]

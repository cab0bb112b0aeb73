"""Joint page: the answers of several studies below each other, each with its doubts, its verdicts in full and its table.

Rungs of one flagship stand together, the largest first, with the effects over all rungs beside them.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from ablations.flagships import FLAGSHIPS, RUNG_STUDIES, flagship
from results.conclusions import Conclusions
from results.pages import environment, style
from results.report.answer import Answer, answer_of
from results.report.flagship_part import FlagshipPart, flagship_part
from results.report.page import boxed
from results.store.reading import Reading
from results.tables import findings_markup

FOLDER = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Part:
    """One study of the page: its name, its answer, its table, and what is said of its verdicts and its checklist.

    `flagship` stands with the largest rung of a flagship, and `rung` says that it is one of these.
    """

    name: str
    answer: Answer
    counts: str
    checked: str
    table: Markup
    rung: str = ''
    flagship: FlagshipPart | None = None


def joint_page(studies: Sequence[tuple[Reading, Conclusions, list[dict]]]) -> str:
    """One self-contained HTML page on several studies: the reading, the conclusions and the checklist of each.

    Raises ValueError where two of them have one name.
    """
    names = [reading.study.name for reading, _, _ in studies]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"study '{twice[0]}' is given {names.count(twice[0])} times; give each study once")
    parts = [part for together in _together(studies) for part in together]
    return environment(FOLDER).get_template('joint_page.html.j2').render(parts=parts, style=style())


def _together(studies: Sequence[tuple[Reading, Conclusions, list[dict]]]) -> list[list[Part]]:
    """The parts of the page in the order of the studies; rungs of a flagship stand where its first one was given."""
    groups: dict[str, list[tuple]] = {}
    for study in studies:
        name = study[0].study.name
        groups.setdefault(RUNG_STUDIES.get(name, (name, ''))[0], []).append(study)
    return [_rungs(name, own) if name in FLAGSHIPS else [_part(*own[0])] for name, own in groups.items()]


def _rungs(name: str, studies: Sequence[tuple[Reading, Conclusions, list[dict]]]) -> list[Part]:
    """The rungs of a flagship, the largest first; with it stands what is said of all of them."""
    by_rung = {RUNG_STUDIES[study[0].study.name][1]: study for study in studies}
    rising = {rung: by_rung[rung] for rung in FLAGSHIPS[name] if rung in by_rung}
    told = flagship_part(flagship(name), {rung: (study[0], study[1].findings) for rung, study in rising.items()})
    falling = [dataclasses.replace(_part(*study), rung=rung) for rung, study in reversed(rising.items())]
    return [dataclasses.replace(falling[0], flagship=told), *falling[1:]]


def _part(reading: Reading, conclusions: Conclusions, checklist: list[dict]) -> Part:
    findings, facts = conclusions.findings, conclusions.facts
    answer = answer_of(reading, findings, facts)
    counts = Counter(line.verdict for line in answer.grid.lines)
    told = ', '.join(f'{count} {verdict}' for verdict, count in counts.most_common()) or 'nothing to compare'
    unfinished = '' if answer.complete else ' (unfinished)'
    return Part(
        reading.study.name, answer, told + unfinished, _checked(checklist), Markup(boxed(findings_markup(findings, facts)))
    )


def _checked(checklist: list[dict]) -> str:
    """The result of the rules of a fair comparison, with the names of broken ones."""
    failing = [item['rule'] for item in checklist if item.get('holds') is False]
    if not checklist:
        return 'No rule of a fair comparison was checked.'
    if failing:
        return f'Rules of a fair comparison that fail, of {len(checklist)} checked: {"; ".join(failing)}.'
    open_rules = sum(item.get('holds') is None for item in checklist)
    return f'{len(checklist) - open_rules} of {len(checklist)} rules of a fair comparison hold, none fails.'

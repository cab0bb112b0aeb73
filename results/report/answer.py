"""Answer: what a study says at first sight, on its own page and beside other studies."""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping

from markupsafe import Markup, escape

from ablations.study import Study
from results.finding import Finding
from results.report.arm_changes import arm_changes
from results.report.sentences import verdicts
from results.report.verdict_grid import MARKS, VerdictGrid, verdict_grid
from results.store.reading import Reading
from results.tables import StudyFacts


@dataclasses.dataclass(frozen=True)
class Answer:
    """The question of a study, its verdict grid, its verdicts in full sentences, and how many of its runs are recorded.

    `lead` is the first line of the question, `question` its other paragraphs; `look` the replicates that verdicts are of.
    """

    study: Study
    lead: Markup
    question: tuple[Markup, ...]
    warnings: tuple[str, ...]
    grid: VerdictGrid
    verdicts: list[dict]
    complete: bool
    look: int
    recorded: int
    planned: int
    total: int
    statuses: Mapping[str, int]
    marks: Mapping[str, str]


def answer_of(reading: Reading, findings: list[Finding], facts: StudyFacts) -> Answer:
    """The answer of a study, from its findings."""
    study, schedule, records = reading.study, reading.schedule, reading.records
    lead, _, rest = study.question.strip().partition('\n')
    changes = arm_changes(study)
    return Answer(
        study=study,
        lead=_prose(lead),
        question=tuple(_prose(part) for part in re.split(r'\n\s*\n', rest.strip()) if part),
        warnings=tuple(facts.warnings()),
        grid=verdict_grid(findings, study.recipe, changes),
        verdicts=verdicts(study, findings, changes),
        complete=schedule.complete,
        look=schedule.look,
        recorded=sum(trial.id in records for trial in schedule.trials),
        planned=len(schedule.trials),
        total=len(records),
        statuses=Counter(record['status'] for record in records.values()),
        marks=MARKS,
    )


def _prose(text: str) -> Markup:
    """Text with its `names` set as code."""
    return Markup(re.sub(r'`([^`]+)`', r'<code>\1</code>', str(escape(text))))

"""Conclusions: the findings of a study, and the facts that a table shows beside them."""

import dataclasses

from results.evidence import findings
from results.finding import Finding
from results.store.reading import Reading
from results.tables.study_facts import StudyFacts, study_facts


@dataclasses.dataclass(frozen=True)
class Conclusions:
    """One finding for each arm and task, and the facts of the study."""

    findings: list[Finding]
    facts: StudyFacts


def conclude(reading: Reading) -> Conclusions:
    """Work out the conclusions of a study at its last whole look."""
    made = findings(reading)
    return Conclusions(made, study_facts(reading, made))

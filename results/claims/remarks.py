"""Remarks: how claims stand to each other, in words, for all pages."""

import dataclasses

from results.claims.collection import Collection
from results.claims.relation import Relation
from results.claims.sentence import sentence_of

HEADINGS = {
    'contradictions': 'Contradictions',
    'supersedes': 'Larger scale',
    'repeats': 'Repetitions',
    'shares seeds': 'Same study, same seeds',
    'stands beside': 'Other scale',
}
SHORT = 8
"""How much of an address is shown where it need only be told from others."""
VERBS = {
    'supersedes': 'supersedes',
    'repeats': 'repeats',
    'shares seeds': 'shares its seeds with',
    'stands beside': 'stands beside',
}


def named(relation: Relation) -> str:
    """How each claim stands to another, and whether they agree.

    Addresses are short; each is of a claim that a table or a sentence shows.
    """
    first, second = (f'{claim.study}/{claim.arm} ({claim.digest[:SHORT]})' for claim in (relation.first, relation.second))
    told = 'reverses it' if relation.reverses else {'contradicts': 'contradicts it'}.get(relation.agreement, relation.agreement)
    if relation.agreement == 'differs':
        told = 'says otherwise, which can both be true'
    return f'{first} {VERBS[relation.kind]} {second} and {told}'


MOST = 50
"""How many remarks of a kind are written out."""


@dataclasses.dataclass(frozen=True)
class Remarks:
    """Remarks of one kind: (what, sentence of the first claim, sentence of the second) each; `more` are not written out."""

    heading: str
    lines: tuple[tuple[str, str, str], ...]
    more: int = 0

    @property
    def note(self) -> str:
        """The sentence about claims that are not written out, or nothing."""
        return f'{counted(self.more, "pair")} more: --json has all of them.' if self.more else ''


def remarks(collection: Collection) -> list[Remarks]:
    """The remarks of each kind, contradictions first; a contradiction is listed there and nowhere else."""
    by_heading: dict[str, list[Relation]] = {heading: [] for heading in HEADINGS.values()}
    for one in collection.relations:
        by_heading[HEADINGS['contradictions' if one.agreement == 'contradicts' else one.kind]].append(one)
    made = []
    for heading, related in by_heading.items():
        lines = tuple((named(one), str(sentence_of(one.first)), str(sentence_of(one.second))) for one in related[:MOST])
        if lines:
            made.append(Remarks(heading, lines, len(related) - len(lines)))
    return made


def counted(number: int, noun: str, nouns: str = '') -> str:
    """A number with its noun.

    >>> counted(1, 'claim'), counted(2, 'study', 'studies')
    ('1 claim', '2 studies')
    """
    return f'{number:,} {noun if number == 1 else nouns or noun + "s"}'


def summary(collection: Collection, silent: int) -> str:
    """How many claims and contradictions there are; `silent` is the number of hidden verdicts, which say nothing."""
    studies = len({claim.study_digest for claim in collection.claims})
    told = f'{counted(len(collection.claims), "claim")} of {counted(studies, "study", "studies")}, '
    told += counted(len(collection.contradictions), 'contradiction')
    if silent:
        verb = 'is' if silent == 1 else 'are'
        told += f'; {counted(silent, "comparison")} more {verb} undecided or not comparable (--all shows them)'
    return f'{told}.'

"""Relation: how two claims that answer the same question stand to each other."""

import dataclasses
import itertools
from collections.abc import Iterable

from results.claims.claim import Claim
from results.claims.question import question_of, turned

KINDS = {
    'supersedes': 'at a larger scale, all else at least as large',
    'repeats': 'at the same scale, by a study of another name: tuned with seeds of its own',
    'shares seeds': 'of a study of the same name, at the same scale: no independent answer',
    'stands beside': 'at a scale that is neither larger nor smaller, or not known',
}
"""What the first claim of a relation does to the second."""
AGREEMENTS = ('agrees', 'differs', 'contradicts')


@dataclasses.dataclass(frozen=True)
class Relation:
    """`first` to `second`: one of KINDS, and whether the verdicts can both be true, one of AGREEMENTS.

    `differs`: other verdicts that can both be true, such as `equivalent` and a difference within the margin.
    """

    kind: str
    agreement: str
    first: Claim
    second: Claim

    @property
    def reverses(self) -> bool:
        """Whether a claim at a larger scale says the opposite."""
        return self.kind == 'supersedes' and self.agreement == 'contradicts'

    def to_dict(self) -> dict:
        """Plain data, with the addresses of the claims."""
        return {'kind': self.kind, 'agreement': self.agreement, 'first': self.first.digest, 'second': self.second.digest}


def relations(claims: Iterable[Claim]) -> list[Relation]:
    """How claims that say something stand to each other, question by question, in the order of the claims."""
    asked: dict[str, list[tuple[Claim, Claim]]] = {}
    for claim in claims:
        if claim.says:
            asked.setdefault(question_of(claim).key, []).append((claim, _straight(claim)))
    return [_relation(*pair) for own in asked.values() for pair in itertools.combinations(own, 2)]


def _straight(claim: Claim) -> Claim:
    """The claim, turned if it answers its question the other way round."""
    return turned(claim) if question_of(claim).reversed else claim


def contradictions(related: Iterable[Relation]) -> list[Relation]:
    """The relations of claims that cannot both be true of one scale."""
    return [one for one in related if one.agreement == 'contradicts']


def _relation(one_way: tuple[Claim, Claim], other_way: tuple[Claim, Claim]) -> Relation:
    """The relation of two claims, each given as it is and as the question asks."""
    (one, _), (other, _) = one_way, other_way
    order = _order(one, other)
    first, second = (other, one) if order == '<' else (one, other)
    if one.study == other.study and order == '=':
        kind = 'shares seeds'
    else:
        kind = {'=': 'repeats', '<': 'supersedes', '>': 'supersedes'}.get(order, 'stands beside')
    return Relation(kind, _agreement(one_way[1], other_way[1]), first, second)


def _order(one: Claim, other: Claim) -> str:
    """How the scale of a claim compares with that of another: '=', '<', '>', or '' where neither holds or one is not known."""
    pairs = [pair for both in zip(_sizes(one), _sizes(other), strict=True) for pair in zip(*both, strict=True)]
    if any(None in pair for pair in pairs):
        return ''
    less, more = any(a < b for a, b in pairs), any(a > b for a, b in pairs)
    return '' if less and more else '<' if less else '>' if more else '='


def _sizes(claim: Claim) -> list[tuple]:
    return [one.size for one in sorted(claim.settings, key=lambda one: (one.dataset, one.task))]


def agreement(one: Claim, other: Claim) -> str:
    """Whether the verdicts of two claims on the same question can both be true, one of AGREEMENTS.

    `better` contradicts `worse`, and `equivalent` contradicts a difference beyond the margin. Two claims of unequal rates of
    divergence contradict each other where they name different models.
    """
    return _agreement(_straight(one), _straight(other))


def _agreement(one: Claim, other: Claim) -> str:
    pair = {one.verdict, other.verdict}
    if pair == {'unstable'}:
        return 'agrees' if _diverges_more(one) == _diverges_more(other) else 'contradicts'
    if len(pair) == 1:
        return 'agrees'
    if pair == {'better', 'worse'}:
        return 'contradicts'
    if 'equivalent' in pair and pair & {'better', 'worse'}:
        different = one if other.verdict == 'equivalent' else other
        return 'contradicts' if beyond_margin(different) else 'differs'
    return 'differs'


def _diverges_more(claim: Claim) -> bool:
    return claim.diverged * claim.base_confirmed > claim.base_diverged * claim.confirmed


def beyond_margin(claim: Claim) -> bool:
    """Whether a difference is larger than its margin, as far as is known."""
    return not claim.negligible and (claim.effect is None or abs(claim.effect) >= claim.margin)

"""By kind: the claims about one kind of block."""

from collections.abc import Iterable

from ablations.config import closest
from results.claims.claim import Claim
from results.claims.difference import holder, kinds_of
from results.claims.setting import OPTIMIZER, OR


def kinds_in(claim: Claim) -> set[str]:
    """The kinds that a claim is about: the ones put in by an arm, the ones replaced, and the ones changed inside; so too the
    optimizers that an arm and its reference do not have in common."""
    kinds: set[str] = set()
    for one in claim.settings:
        for difference in one.differences:
            if difference['path'] == OPTIMIZER:
                kinds |= {name for end in ('from', 'to') for name in str(difference[end]).split(OR)}
            ends = [kinds_of({'spec': difference[end]}).values() for end in ('from', 'to')]
            kinds |= {*ends[0], *ends[1]}
            if (inside := holder(difference['path'], one.kinds)) is not None:
                kinds.add(inside)
    for change in (*claim.changes, *claim.base_changes):
        kinds |= set(kinds_of({'spec': {'kind': change.get('kind'), **(change.get('fields') or {})}}).values())
    return kinds


def claims_about(claims: Iterable[Claim], word: str) -> list[Claim]:
    """The claims about a kind, or about an arm whose name contains the word.

    None is a fine answer for a kind that models are made of; raises ValueError where nothing is called by the word.
    """
    claims = list(claims)
    told = [claim for claim in claims if word and (word in kinds_in(claim) or word in claim.arm)]
    if told:
        return told
    kinds = {kind for claim in claims for one in claim.settings for kind in one.kinds.values()}
    kinds |= {kind for claim in claims for kind in kinds_in(claim)}
    if word in kinds:
        return []
    arms = {claim.arm for claim in claims}
    raise ValueError(
        f"--about '{word}': no block or arm of the studies read is called that; kinds: {sorted(kinds)}, "
        f'arms: {sorted(arms)}.{closest(word, {*kinds, *arms})}'
    )

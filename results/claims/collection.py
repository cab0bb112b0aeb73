"""Collection: the claims of many places, each once."""

import dataclasses
from collections.abc import Callable, Iterable

from results.claims.claim import Claim
from results.claims.relation import Relation, contradictions, relations
from results.claims.source import Source, claims_of


@dataclasses.dataclass(frozen=True)
class Collection:
    """All claims that were read, those of undecided comparisons included, and how they stand to each other.

    sources   the studies that were read
    skipped   a sentence for each place that could not be read, or that claims nothing
    """

    claims: tuple[Claim, ...]
    relations: tuple[Relation, ...]
    sources: tuple[Source, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def contradictions(self) -> list[Relation]:
        """The pairs of claims that cannot both be true of one scale."""
        return contradictions(self.relations)

    def only(self, claims: Iterable[Claim]) -> 'Collection':
        """The part of the collection with these claims, and the relations in which one of them takes part."""
        claims = tuple(claims)
        digests = {claim.digest for claim in claims}
        related = tuple(one for one in self.relations if {one.first.digest, one.second.digest} & digests)
        return dataclasses.replace(self, claims=claims, relations=related)

    def saying(self) -> 'Collection':
        """The part with a verdict that says something."""
        return self.only(claim for claim in self.claims if claim.says)


def collect(readers: Iterable[tuple[str, Callable[[], Source]]]) -> Collection:
    """Read every place, {name: reader}; a place that cannot be read is skipped and named.

    A claim that several places hold is there once, with all of them as its sources.
    """
    claims: dict[str, Claim] = {}
    sources, skipped = [], []
    for place, read in readers:
        try:
            source = read()
            made = claims_of(source)
        except ValueError as error:
            skipped.append(f'{place}: {error}')
            continue
        except OSError as error:
            skipped.append(f'{place}: {error.strerror or error}')
            continue
        sources.append(source)
        for claim in made:
            known = claims.get(claim.digest)
            if known is not None:
                claim = dataclasses.replace(known, sources=known.sources + claim.sources)
            claims[claim.digest] = claim
    return Collection(tuple(claims.values()), tuple(relations(claims.values())), tuple(sources), tuple(skipped))


def claim_at(collection: Collection, digest: str) -> Claim:
    """The claim whose address begins with `digest`; raises ValueError where none or several do."""
    told = [claim for claim in collection.claims if digest and claim.digest.startswith(digest)]
    if len(told) == 1:
        return told[0]
    which = 'several claims begin' if told else 'no claim that was read begins'
    likely = ', '.join(claim.digest for claim in told[:5]) or 'archlab claims --all lists them'
    raise ValueError(f"--study '{digest}': {which} with that; give more of the address or another one: {likely}")

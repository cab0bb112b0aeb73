"""Sentences: claims as a text, one sentence a line, which `results/claims/sentence.py` can read back."""

from results.claims.collection import Collection
from results.claims.sentence import sentence_of


def sentences(collection: Collection) -> str:
    """Every claim in one line."""
    return ''.join(f'{sentence_of(claim)}\n' for claim in collection.claims)

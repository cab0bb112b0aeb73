"""Flat: claims as CSV and as JSON, for programs."""

import csv
import io
import json

from results.claims.claim import Claim
from results.claims.collection import Collection
from results.claims.question import question_of
from results.claims.sentence import sentence_of
from results.store.spreadsheets import inert

NAMES = (
    *('claim', 'question', 'answers', 'study', 'study_digest', 'scope', 'arm', 'base', 'changes', 'base_changes', 'tasks'),
    *('datasets', 'metric', 'unit', 'direction', 'params', 'base_params', 'steps', 'base_steps', 'examples', 'trials'),
    *(
        'optimizers',
        'replicates',
        'seeds',
        'budget',
        'verdict',
        'negligible',
        'censored',
        'effect',
        'effect_low',
        'effect_high',
        'margin',
    ),
    *('p_adjusted', 'diverged', 'confirmed', 'base_diverged', 'base_confirmed', 'reason', 'blocks', 'source', 'failing'),
    'sentence',
)
"""The columns. `answers` is the address of the question that the claim answers: claims with the same one meet."""


def row_of(claim: Claim) -> dict:
    """A claim as one row: lists are joined by semicolons, and an unknown value is empty."""
    plain = claim.to_dict()
    each = ('params', 'base_params', 'steps', 'base_steps')
    by_task = {name: [getattr(one, name) for one in claim.settings] for name in each}
    by_task['examples'] = [one.examples for one in claim.settings]
    low, high = claim.interval or (None, None)
    row = {name: plain[name] for name in NAMES if name in plain} | {
        'claim': claim.digest,
        'question': ' '.join(claim.question.split()),
        'answers': question_of(claim).key,
        'changes': json.dumps(plain['changes'], sort_keys=True),
        'base_changes': json.dumps(plain['base_changes'], sort_keys=True),
        'tasks': _joined(claim.tasks),
        'datasets': _joined(claim.datasets),
        'optimizers': _joined(claim.optimizers),
        'censored': _joined(claim.censored),
        **{name: '' if None in values else _joined(values) for name, values in by_task.items()},
        'effect_low': low,
        'effect_high': high,
        'source': _joined(source.get('place', '') for source in claim.sources),
        'failing': _joined(rule for source in claim.sources for rule in source.get('failing', ())),
        'sentence': str(sentence_of(claim)),
    }
    return {name: row[name] for name in NAMES}


def _joined(values: object) -> str:
    return '; '.join(map(str, values))


def comma_separated(collection: Collection) -> str:
    """One line for each claim."""
    text = io.StringIO()
    writer = csv.DictWriter(text, NAMES, lineterminator='\n')
    writer.writeheader()
    writer.writerows({name: inert(value) for name, value in row_of(claim).items()} for claim in collection.claims)
    return text.getvalue()


def to_dict(collection: Collection) -> dict:
    """Plain data: claims with their addresses and sentences, relations, and what was skipped."""
    claims = [
        {'claim': claim.digest, 'answers': question_of(claim).key, 'sentence': str(sentence_of(claim)), **claim.to_dict()}
        for claim in collection.claims
    ]
    related = [one.to_dict() for one in collection.relations]
    return {'claims': claims, 'relations': related, 'studies': len(collection.sources), 'skipped': list(collection.skipped)}

"""Summary: the part of a record that most readers need."""

from collections.abc import Mapping

COST = ('examples', 'flops', 'seconds', 'peak_memory', 'steps')
PACK = ('id', 'records', 'strategy', 'lanes', 'splits', 'compile_seconds', 'lane')
SUMMARY = (
    *('id', 'arm', 'task', 'phase', 'replicate', 'held', 'optimizer', 'seed', 'knobs', 'steps', 'batch'),
    *('status', 'diverged_at', 'reason', 'score', 'score_se', 'parts', 'n_held', 'initial_loss', 'final_loss', 'checksum'),
    *('item_scores', 'leak', 'cost', 'pack', 'environment', 'until', 'score_until'),
)
"""The entries of a record that are in its summary. Plans, evidence, tables and checks need only these; curves and configs are
in the whole record only. `cost` and `pack` have all entries of COST and PACK, with None for absent ones."""


def summary(record: Mapping) -> dict:
    """The summary of a whole record.

    >>> summary({'id': 'one', 'score': 0.5, 'curve': {'step': [0]}})
    {'id': 'one', 'score': 0.5}
    """
    chosen = {name: record[name] for name in SUMMARY if name in record}
    for name, entries in (('cost', COST), ('pack', PACK)):
        if name in chosen:
            told = chosen[name]
            chosen[name] = {entry: told.get(entry) for entry in entries} if isinstance(told, Mapping) else None
    return chosen

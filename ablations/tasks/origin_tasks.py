"""Origin tasks: where does an example come from? Name that dataset (2403.08632), and which model wrote this (2502.12150).

The sets are made or cut from Python's own sources (sweeps/tasks/made), but for the answers of real models, which must be
prepared; a set of one's own is a task of the same kind (docs/origins.md). Each rewriting of texts (sweeps/tasks/rewriting.py)
is a task, so that a study shows what an answer rests on; in the tasks called halves there is nothing to learn. What the bases
reach stands in LOG.md.
"""

from ablations.tasks import bases

REWRITINGS = {
    'lower_case': ['lower_case'],
    'without_markdown': ['without_markdown'],
    'without_marks': ['without_marks'],
    'shuffled_words': ['shuffled_words'],
    'shuffled_letters': ['shuffled_letters'],
    'first_words': ['first_words:4'],
}
"""The end of a task's name -> how its texts are rewritten."""
BYTES = 257
_LENGTH = 128
_ANSWER = 2048
"""The bytes of an answer that are read; of the eight models' a quarter is longer."""
_SETS = {'collections': 4, 'packages': 6, 'writers': 8, 'eight_models': 8}
"""Set -> how many origins it has."""


def _task(dataset: str, base: dict, **changes: object) -> dict:
    outputs = 2 if changes.get('control') == 'halves' else _SETS[dataset]
    words = {} if dataset == 'collections' else {'length': _ANSWER if dataset == 'eight_models' else _LENGTH, 'cut': True}
    return {
        'dataset': dataset,
        'domain': 'images' if dataset == 'collections' else 'text',
        'metric': 'accuracy',
        'unit': 'share of images' if dataset == 'collections' else 'share of texts',
        'direction': 'higher',
        'chance': 1 / outputs,
        'margin': 0.01,
        'steps': 400,
        'batch': 32,
        'evaluations': 4,
        'data': {'kind': 'supervised', 'dataset': dataset, 'target': 'class', 'held': 512, **words, **changes},
        'base': {**base, 'head': {**base['head'], 'outputs': outputs}},
    }


_ATTENTION = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
_IMAGES = bases.convnext(outputs=4, patch=2, widths=[24, 48], depths=[1, 1], kernel=3)
_TEXTS = bases.texts(BYTES, _LENGTH, outputs=8, width=32, depth=1, mixer=_ATTENTION)
_ANSWERS = bases.ngrams(BYTES, outputs=8, width=32, sizes=[2, 3, 4, 5], buckets=32768, once=True)
_TEXTS['stem'] = {'kind': 'hashed_ngrams', 'vocabulary': BYTES, 'sizes': [2, 3, 4, 5], 'buckets': 4096}

ORIGINS = {
    'collections': _task('collections', _IMAGES),
    'collection_halves': _task('collections', _IMAGES, control='halves'),
    **{
        name: _task(dataset, _TEXTS, **changes)
        for dataset, halves in (('packages', 'package_halves'), ('writers', 'writer_halves'))
        for name, changes in {
            dataset: {},
            **{f'{dataset}_{ending}': {'rewrite': names} for ending, names in REWRITINGS.items()},
            halves: {'control': 'halves'},
        }.items()
    },
    'eight_models': _task('eight_models', _ANSWERS),
    **{f'eight_models_{ending}': _task('eight_models', _ANSWERS, rewrite=names) for ending, names in REWRITINGS.items()},
    'eight_models_first_words': _task('eight_models', _ANSWERS, rewrite=['first_words:16'], length=_LENGTH),
    'eight_model_halves': _task('eight_models', _ANSWERS, control='halves'),
}

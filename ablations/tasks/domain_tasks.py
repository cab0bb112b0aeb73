"""Domain tasks: several small sets as one task, whose shares are tuned, or which are taught one after the other.

No files are needed. What the bases reach stands in LOG.md.
"""

import math

from ablations.tasks import bases
from ablations.tasks.decoders import ATTENTION, decoder

_LENGTH = 64
_SIZES = (400, 200, 100, 50)
"""Training examples of the domains whose shares are tuned: unequal, as those that are gathered are."""


def _package(origin: str, **fields: object) -> dict:
    return {'kind': 'origin_bytes', 'dataset': 'packages', 'origin': origin, 'length': _LENGTH, **fields}


def _writer(origin: str, **fields: object) -> dict:
    return {'kind': 'origin_bytes', 'dataset': 'writers', 'origin': origin, 'length': _LENGTH, **fields}


def _languages(parts: list[dict], dataset: str, lessons: str, steps: int, evaluations: int) -> dict:
    held, tested = 60 * len(parts), 150 * len(parts)
    data = {'kind': 'mixture', 'parts': parts, 'held': held, 'tested': tested, 'lessons': lessons}
    return {
        'dataset': dataset,
        'domain': 'languages',
        'metric': 'loss',
        'unit': 'bits per byte',
        'direction': 'lower',
        'chance': math.log2(257),
        'margin': 0.02,
        'steps': steps,
        'batch': 16,
        'evaluations': evaluations,
        'data': data,
        'base': decoder(data, width=32, depth=2, mixer=ATTENTION, ratio=2.0),
    }


DOMAINS = {
    'package_shares': _languages(
        [
            _package(name, train=size)
            for name, size in zip(('email', 'asyncio', 'importlib', 'multiprocessing'), _SIZES, strict=True)
        ],
        'four packages',
        'shares',
        steps=400,
        evaluations=2,
    ),
    'language_shares': _languages(
        [
            _package('email', train=_SIZES[0]),
            {'kind': 'pixels', 'dataset': 'digits', 'train': _SIZES[1]},
            _writer('000', train=_SIZES[2]),
        ],
        'code, digits and prose',
        'shares',
        steps=400,
        evaluations=2,
    ),
    'languages_in_turn': _languages(
        [_package('email'), {'kind': 'pixels', 'dataset': 'digits'}, _writer('000')],
        'code, digits and prose',
        'in_turn',
        steps=600,
        evaluations=6,
    ),
    'digits_in_turn': {
        'dataset': 'digits turned by quarters',
        'domain': 'images',
        'metric': 'accuracy',
        'unit': 'share of images',
        'direction': 'higher',
        'chance': 0.1,
        'margin': 0.01,
        'steps': 400,
        'batch': 32,
        'evaluations': 8,
        'data': {'kind': 'labelled_domains', 'lessons': 'in_turn'},
        'base': bases.convnext(outputs=10, patch=2, widths=[16, 32], depths=[1, 1], kernel=3),
    },
}


def _pictures(pictures: str, asked: str, chance: float, tested: int, steps: int = 400) -> dict:
    other = {'answer': 'picture', 'picture': 'answer'}[asked]
    parts = [{'kind': 'picture_language', 'pictures': pictures, 'asked': way} for way in (asked, other)]
    answered = asked == 'answer'
    data = {'kind': 'answered_domains', 'parts': parts, 'tested': tested}
    return {
        'dataset': f'{pictures} as pictures and words',
        'domain': 'pictures and words',
        'metric': 'accuracy' if answered else 'bits',
        'unit': 'share of answers' if answered else 'bits per pixel',
        'direction': 'higher' if answered else 'lower',
        'chance': chance,
        'margin': 0.02,
        'steps': steps,
        'batch': 16,
        'evaluations': 2,
        'data': data,
        'base': decoder(data, width=32, depth=2, mixer=ATTENTION, ratio=2.0),
    }


DOMAINS |= {
    'blocks_answered': _pictures('blocks', 'answer', 7 / 24, 512),
    'blocks_drawn': _pictures('blocks', 'picture', math.log2(21), 512),
    'digits_answered': _pictures('digits', 'answer', 0.1, 360),
    'digits_drawn': _pictures('digits', 'picture', math.log2(21), 360),
}
"""In each of these the first part is scored; the second is the other direction of the same pictures."""

_CHAPTERS = [{'kind': 'facts', 'chapter': number, 'names': 16} for number in range(1, 7)]


def _facts(steps: int) -> dict:
    data = {'kind': 'answered_domains', 'parts': _CHAPTERS, 'scored': 0, 'held': 384, 'tested': 1536, 'lessons': 'in_turn'}
    return {
        'dataset': 'facts',
        'domain': 'synthetic sequences',
        'metric': 'accuracy',
        'unit': 'share of answers',
        'direction': 'higher',
        'chance': 0.25,
        'margin': 0.02,
        'steps': steps,
        'batch': 24,
        'evaluations': 6,
        'data': data,
        'base': decoder(data, width=32, depth=2, mixer=ATTENTION, ratio=2.0),
    }


DOMAINS |= {'facts_told_often': _facts(600), 'facts_told_seldom': _facts(120)}
"""Six chapters of 24 facts, in turn: each fact is told a hundred times, or twenty times, and never again after its turn."""

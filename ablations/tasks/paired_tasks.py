"""Paired tasks: scenes in several modalities, of which training shows some pairs (docs/pairs.md).

Sealed are 110 scenes. What the bases reach stands in LOG.md.
"""

from ablations.tasks import bases
from ablations.tasks.decoders import ATTENTION

VOCABULARY, LENGTH = 44, 65
SCENES = 110
"""Sealed scenes, among which one is to be found."""
_BASE = bases.texts(VOCABULARY, LENGTH, outputs=16, width=32, depth=2, mixer=ATTENTION)


def _pairs(pairs: list[list[str]], chance: float, steps: int = 600, **fields: object) -> dict:
    return {
        'dataset': 'scenes in three modalities',
        'domain': 'pictures, words and sounds',
        'metric': 'accuracy',
        'unit': 'share of answers',
        'direction': 'higher',
        'chance': chance,
        'margin': 0.02,
        'steps': steps,
        'batch': 48,
        'evaluations': 2,
        'data': {'kind': 'paired_scenes', 'pairs': pairs, **fields},
        'base': _BASE,
    }


_THROUGH_PICTURES = [['picture', 'words'], ['picture', 'sound'], ['words', 'sound']]
_THROUGH_WORDS = [['words', 'picture'], ['words', 'sound'], ['picture', 'sound']]
"""The last pair is the one that is scored: a study gives it the weight 0 where it is not to be taught."""
_CAPTIONS_AND_VIEWS = [['picture', 'words'], ['picture', 'view']]


def _blind(attribute: str, chance: float) -> dict:
    return _pairs(_CAPTIONS_AND_VIEWS, chance, probed=attribute, left_out=attribute)


PAIRED = {
    'words_meet_sounds': _pairs(_THROUGH_PICTURES, 1 / SCENES, scored=['words', 'sound']),
    'words_meet_sounds_unbound': _pairs(_THROUGH_PICTURES, 1 / SCENES, scored=['words', 'sound'], bound=False),
    'pictures_meet_sounds': _pairs(_THROUGH_WORDS, 1 / SCENES, scored=['picture', 'sound']),
    'blind_to_colour': _blind('colour', 1 / 3),
    'blind_to_figure': _blind('figure', 1 / 4),
    'blind_to_quarter': _blind('quarter', 1 / 6),
}

"""Paired tasks: scenes in several modalities, of which training shows some pairs (docs/pairs.md).

Sealed are 110 scenes of blocks and 128 of digits. What the bases reach stands in LOG.md.
"""

from ablations.tasks import bases
from ablations.tasks.decoders import ATTENTION

VOCABULARY, LENGTH = 44, 65
MASKED_VOCABULARY = {'blocks': 45, 'digits': 110}
"""Tokens with the one that stands where another is hidden."""
SCENES, DIGIT_SCENES = 110, 128
"""Sealed scenes, among which one is to be found."""
VECTOR = 16
"""Numbers of the vector that an example becomes."""
_SIZES = {'width': 32, 'depth': 2, 'mixer': ATTENTION}
_BASE = bases.texts(VOCABULARY, LENGTH, outputs=VECTOR, **_SIZES)
_DIGITS = bases.texts(MASKED_VOCABULARY['digits'], LENGTH, outputs=VECTOR, **_SIZES)


def _masked_base(pictures: str) -> dict:
    """A body that gives at each token the numbers of the vector and the scores of all tokens."""
    tokens = MASKED_VOCABULARY[pictures]
    return bases.labelled_tokens(tokens, LENGTH, outputs=VECTOR + tokens, **_SIZES)


def _pairs(
    pairs: list[list[str]], chance: float, steps: int = 600, base: dict = _BASE, dataset: str = 'blocks', **fields: object
) -> dict:
    return {
        'dataset': {'blocks': 'scenes in three modalities', 'digits': 'scenes of digits in three modalities'}[dataset],
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
        'base': base,
    }


_THROUGH_PICTURES = [['picture', 'words'], ['picture', 'sound'], ['words', 'sound']]
_THROUGH_WORDS = [['words', 'picture'], ['words', 'sound'], ['picture', 'sound']]
"""The last pair is the one that is scored: a study gives it the weight 0 where it is not to be taught."""
_CAPTIONS_AND_VIEWS = [['picture', 'words'], ['picture', 'view']]
_MASKED = [['picture', 'view']]


def _blind(attribute: str, chance: float) -> dict:
    return _pairs(_CAPTIONS_AND_VIEWS, chance, probed=attribute, left_out=attribute)


def _blind_or_masked(pictures: str, attribute: str, chance: float) -> dict:
    """The third lesson is of masked pictures."""
    own = {'pictures': pictures} if pictures != 'blocks' else {}
    fields = {'probed': attribute, 'left_out': attribute, 'masked': _MASKED, **own}
    return _pairs(_CAPTIONS_AND_VIEWS, chance, base=_masked_base(pictures), dataset=pictures, **fields)


def _of_digits(pairs: list[list[str]], scored: list[str], **fields: object) -> dict:
    own = {'pictures': 'digits', 'scored': scored, **fields}
    return _pairs(pairs, 1 / DIGIT_SCENES, base=_DIGITS, dataset='digits', **own)


PAIRED = {
    'words_meet_sounds': _pairs(_THROUGH_PICTURES, 1 / SCENES, scored=['words', 'sound']),
    'words_meet_sounds_unbound': _pairs(_THROUGH_PICTURES, 1 / SCENES, scored=['words', 'sound'], bound=False),
    'pictures_meet_sounds': _pairs(_THROUGH_WORDS, 1 / SCENES, scored=['picture', 'sound']),
    'blind_to_colour': _blind('colour', 1 / 3),
    'blind_to_figure': _blind('figure', 1 / 4),
    'blind_to_quarter': _blind('quarter', 1 / 6),
    'blind_to_colour_masked': _blind_or_masked('blocks', 'colour', 1 / 3),
    'blind_to_figure_masked': _blind_or_masked('blocks', 'figure', 1 / 4),
    'blind_to_quarter_masked': _blind_or_masked('blocks', 'quarter', 1 / 6),
    'digits_words_meet_sounds': _of_digits(_THROUGH_PICTURES, ['words', 'sound']),
    'digits_words_meet_sounds_unbound': _of_digits(_THROUGH_PICTURES, ['words', 'sound'], bound=False),
    'digits_pictures_meet_sounds': _of_digits(_THROUGH_WORDS, ['picture', 'sound']),
    'digits_blind_to_colour': _blind_or_masked('digits', 'colour', 1 / 3),
    'digits_blind_to_quarter': _blind_or_masked('digits', 'quarter', 1 / 6),
}

"""picture_language: pictures and words in one sequence, to answer a question or to draw what a caption says."""

import dataclasses

import jax
import numpy as np

from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.captioned_pictures import BEGIN, CAPTION, SIDE, SOURCES, VOCABULARY
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import BITS_PER_NAT, answers

LENGTH = 1 + CAPTION + SIDE * SIDE - 1
DIRECTIONS = ('answer', 'picture')


@dataclasses.dataclass(frozen=True)
class PictureLanguage(Kind):
    """A causal model of sequences of pixels and words, asked in one of two directions (2412.14164).

    `asked` 'answer': a picture, then a question; the answer is asked at the last token. 'picture': a caption, then its picture,
    pixel by pixel, each from the caption and the pixels before it. Both have 70 tokens of 21 sorts: four levels and 17 words.

    Source: `pictures` 'blocks' is made by the lab, no licence: every eighth of 864 scenes is sealed, 512 pictures of those and
    4,096 of the others; a replicate has no scene on two sides. 'digits' are those of task digits (CC BY 4.0), their split.
    Metric of answers: the share of right ones (higher is better), chance 0.292 for blocks, whose questions have three or four
    answers, and 0.1 for digits. Metric of pictures: bits per pixel (lower is better), chance log2 21 = 4.392; of blocks the
    least is 0.290 (`captioned_pictures.noise_bits`). Scores of small models stand in LOG.md.
    """

    pictures: str = 'blocks'
    asked: str = 'answer'
    train: int = 0
    held: int = 256

    NAME = 'picture_language'

    def __post_init__(self):
        for name, allowed in {'pictures': tuple(SOURCES), 'asked': DIRECTIONS}.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"task '{self.NAME}': {name}={getattr(self, name)!r}; allowed: {list(allowed)}; choose one")
        for name, least in {'train': 0, 'held': 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"task '{self.NAME}': {name}={getattr(self, name)}; allowed: {least} or more; raise it")

    @property
    def METRIC(self) -> tuple[str, str]:
        return ('accuracy', 'higher') if self.asked == 'answer' else ('bits', 'lower')

    @property
    def domain_name(self) -> str:
        return f'{self.pictures}_{self.asked}'

    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """Nats per asked token, and the metric: scores `[B, N, V]`, y `[B, N] -> [B], [B]`."""
        loss, right = answers(scores, y, label_smoothing)
        return loss, right if self.asked == 'answer' else loss

    def token_count(self) -> int:
        return VOCABULARY

    def pool(self) -> Arrays:
        return self._written(sealed=False)

    def test(self) -> Arrays:
        return self._written(sealed=True)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)

    def _written(self, sealed: bool) -> Arrays:
        """Sequences and their targets: `[n, 70]` each."""
        drawn = SOURCES[self.pictures](sealed)
        begin = np.full((len(drawn.levels), 1), BEGIN)
        y = np.full((len(drawn.levels), LENGTH), -1, np.int32)
        if self.asked == 'answer':
            filled = np.tile(begin, LENGTH - drawn.levels.shape[1] - drawn.questions.shape[1])
            x = np.concatenate([filled, drawn.levels, drawn.questions], 1)
            y[:, -1] = drawn.answers
        else:
            x = np.concatenate([begin, drawn.captions, drawn.levels[:, :-1]], 1)
            y[:, CAPTION:] = drawn.levels
        return Arrays(x.astype(np.int32), y, drawn.group, 1.0 if self.asked == 'answer' else BITS_PER_NAT)

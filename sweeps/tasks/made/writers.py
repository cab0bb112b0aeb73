"""writers: eight made writers who answer the same prompts, told apart by their habits of wording, of marks and of order.

A prompt is a thing with four properties. A writer has one of two habits of each kind, so that there are eight: which of two
like words it takes, whether its marks are plain or those of Markdown, and whether it begins with the first or the last
property. Each choice follows the habit with probability HABIT. So what a rewriting takes away is known: without marks, writers
who differ in nothing else are alike.
"""

import itertools
import math

import numpy as np

from ablations.seeds import derive
from sweeps.datasets.prepared import Part
from sweeps.tasks.made.made_set import MadeSet

HABITS = ('wording', 'marks', 'order')
HABIT = 0.8
"""How often a writer follows a habit, at each choice by itself."""
WRITERS = tuple(''.join(bits) for bits in itertools.product('01', repeat=len(HABITS)))
"""A writer by its habits, in the order of HABITS."""
THINGS = ('lamp', 'boat', 'house', 'clock', 'train', 'table', 'garden', 'letter', 'bridge', 'kettle', 'carpet', 'mirror')
VERBS = (('is', 'seems'), ('looks', 'appears'), ('stays', 'remains'), ('feels', 'turns'))
"""Two words for each property, of which a writer prefers one."""
VALUES = (
    (('big', 'large'), ('small', 'little'), ('huge', 'giant')),
    (('old', 'ancient'), ('new', 'recent'), ('worn', 'used')),
    (('close', 'near'), ('far', 'remote'), ('hidden', 'unseen')),
    (('quiet', 'silent'), ('loud', 'noisy'), ('odd', 'strange')),
)
MARKS = ('{0}. ', '- **{0}**\n')
"""How a sentence is set: plainly, or as an item of a list."""
LONGEST = 128
"""Bytes that no answer passes."""


PROMPTS = len(THINGS) * len(VALUES[0]) ** len(VALUES)
SEALED = 4
"""One prompt in this many is of the test split."""


def ceiling(without: tuple[str, ...] = ()) -> float:
    """The accuracy of who knows all habits, if the evidence of some is taken out.

    >>> f'{ceiling():.3f}, {ceiling(("marks",)):.3f}'
    '0.693, 0.387'
    """
    choices = {'wording': 2 * len(VALUES), 'marks': len(VALUES), 'order': 1}
    return math.prod(0.5 if habit in without else _majority(choices[habit]) for habit in HABITS)


def _majority(choices: int) -> float:
    """How often most choices follow the habit; where as many follow it as not, every second guess is right."""
    chance = [math.comb(choices, n) * HABIT**n * (1 - HABIT) ** (choices - n) for n in range(choices + 1)]
    return sum(share * (1 if 2 * n > choices else 0.5 if 2 * n == choices else 0) for n, share in enumerate(chance))


def answers(generator: np.random.Generator, prompts: np.ndarray) -> tuple[list[str], np.ndarray, np.ndarray]:
    """An answer of each writer to each prompt, with its writer `[n]` and its prompt `[n]`."""
    texts = []
    for prompt, (wording, marks, order) in itertools.product(prompts.tolist(), itertools.product((0, 1), repeat=3)):
        thing, *values = np.unravel_index(prompt, (len(THINGS), *[len(VALUES[0])] * len(VALUES)))
        words = _follows(generator, wording, (len(VALUES), 2))
        marked = _follows(generator, marks, len(VALUES))
        places = range(len(VALUES))[:: -1 if _follows(generator, order, 1)[0] else 1]
        sentences = (
            f'the {THINGS[thing]} {VERBS[place][words[place, 0]]} {VALUES[place][values[place]][words[place, 1]]}'
            for place in places
        )
        texts.append(''.join(MARKS[how].format(one) for how, one in zip(marked, sentences, strict=True)).strip())
    numbers = np.arange(len(texts))
    return texts, (numbers % len(WRITERS)).astype(np.int32), prompts[numbers // len(WRITERS)]


def _follows(generator: np.random.Generator, habit: int, shape: int | tuple[int, ...]) -> np.ndarray:
    """Choices 0 and 1, the habit's own with probability HABIT."""
    return np.where(generator.random(shape) < HABIT, habit, 1 - habit)


def draw(generator: np.random.Generator, count: int, sealed: bool) -> Part:
    """Answers of all writers to prompts of one split; a prompt with its answers is one group."""
    own = np.random.default_rng(derive('writers', 'prompts')).permutation(PROMPTS)
    own = own[: PROMPTS // SEALED] if sealed else own[PROMPTS // SEALED :]
    texts, y, prompt = answers(generator, generator.permutation(own)[: count // len(WRITERS)])
    rows = [np.frombuffer(text.encode(), np.uint8) for text in texts]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    return Part(np.concatenate(rows), y, prompt, offsets)


MADE_WRITERS = MadeSet('writers', 'texts', 'class', WRITERS, {'pool': 3840, 'test': 1280}, draw)

"""Sentences of claims: one language, written and read."""

import dataclasses
import random
import string

import pytest
from made_claims import SETTING, claim, published

from results.claims.sentence import COUNT, PREPOSITIONS, VERBS, Sentence, parse, sentence_of
from results.claims.sentences import sentences

EXAMPLE = (
    'At 0.2M parameters and 2,400 steps, dynamic_tanh is worse than layer_norm on cifar10 by 2.1 points [1.2, 3.0].',
    Sentence('worse', 'dynamic_tanh', 'layer_norm', ('cifar10',), '0.2M', '2,400', '2.1', 'points', ('1.2', '3.0')),
)


def test_the_example_is_read_and_written():
    text, said = EXAMPLE
    assert parse(text) == said and str(said) == text
    big = {'params': 200_000, 'base_params': 200_000, 'steps': 2400, 'dataset': 'cifar10'}
    assert str(sentence_of(claim(setting=big))) == text


SAID = [
    ({'verdict': 'better', 'effect': 0.021, 'interval': (0.012, 0.03)}, 'is better than layer_norm on digits by 2.1 points'),
    ({'verdict': 'equivalent', 'effect': 0.001, 'interval': (-0.004, 0.006)}, 'on digits within 1.0 points [-0.4, 0.6].'),
    ({'verdict': 'undecided', 'effect': -0.004}, 'is not told apart from layer_norm on digits at -0.4 points ['),
    ({'verdict': 'not comparable', 'effect': None}, 'is not comparable with layer_norm on digits.'),
    ({'verdict': 'worse', 'interval': None}, 'by 2.1 points.'),
    ({'verdict': 'worse', 'negligible': True}, '[1.2, 3.0], which is negligible.'),
    ({'verdict': 'worse', 'censored': ('layer_norm',)}, '[1.2, 3.0] (censored).'),
    ({'verdict': 'unstable', 'diverged': 8}, 'diverges more often than layer_norm on digits in 8 of 10 runs against 0 of 10.'),
    ({'verdict': 'unstable', 'base_diverged': 8}, 'diverges less often than layer_norm on digits in 0 of 10 runs against 8'),
    ({'metric': 'loss', 'unit': 'nats per byte'}, 'by 0.021 nats per byte [0.012, 0.030].'),
    ({'setting': {'params': None}}, 'At an unknown size and 140 steps, '),
    ({'setting': {'dataset': 'mine, by hand'}}, 'on "mine, by hand" by 2.1 points'),
    ({'setting': {'dataset': 'and'}}, 'on "and" by'),
    *(({'setting': {'dataset': word}}, f'on "{word}" by') for word in ('by', 'within', 'at', 'in', 'a.', '-a', '')),
    ({'setting': {'dataset': 'a.b'}}, 'on a.b by'),
    ({'arm': 'one two'}, ', "one two" is worse than'),
    ({'base': 'and'}, 'is worse than "and" on'),
    ({'verdict': 'undecided', 'effect': None}, 'is not told apart from layer_norm on digits.'),
    ({'verdict': 'worse', 'interval': (None, -0.01)}, 'by 2.1 points.'),
    ({'verdict': 'worse', 'interval': (-0.03, None)}, 'by 2.1 points.'),
    ({'verdict': 'equivalent', 'interval': None}, 'on digits within 1.0 points.'),
    ({'verdict': 'unstable', 'diverged': 4, 'base_diverged': 3, 'confirmed': 20}, 'diverges less often than'),
    ({'metric': 'loss', 'unit': 'bits by byte'}, '0.021 "bits by byte" ['),
    ({'scope': 'overall', 'unit': 'margins', 'effect': -2.0, 'interval': (-3.0, -1.0)}, 'by 2.000 margins [1.000, 3.000].'),
]


@pytest.mark.parametrize(('fields', 'part'), SAID, ids=[part for _, part in SAID])
def test_every_verdict_is_said_and_read(fields: dict, part: str):
    said = sentence_of(claim(**fields))
    assert part in str(said) and parse(str(said)) == said


def test_several_datasets_are_named_and_their_sizes_span():
    settings = [dataclasses.replace(SETTING, dataset=name, params=1000 * n, steps=n) for n, name in enumerate('abc', 1)]
    said = str(sentence_of(claim(scope='overall', settings=tuple(settings), effect=None)))
    assert said == 'At 1k to 3k parameters and 1 to 3 steps, dynamic_tanh is worse than layer_norm on a, b and c.'
    assert parse(said).datasets == ('a', 'b', 'c')
    back = str(sentence_of(claim(scope='overall', settings=tuple(settings[::-1]), effect=None)))
    assert back == said.replace('a, b and c', 'c, b and a')


def test_every_published_claim_is_read_back():
    lines = sentences(published()).splitlines()
    assert len(lines) == len(published().claims) > 10
    assert [parse(line) for line in lines] == [sentence_of(one) for one in published().claims]


def drawn(chance: random.Random) -> Sentence:
    """Any sentence: names of any letters, numbers of any size."""
    letters = string.printable + 'äß\u202e\u2028"\\[],.'

    def name() -> str:
        plain = chance.random() < 0.5
        return ''.join(chance.choices(string.ascii_lowercase + '_' if plain else letters, k=chance.randint(1, 12)))

    def number() -> str:
        return f'{chance.uniform(-1, 1) * 10 ** chance.randint(-3, 5):.{chance.choice((1, 3))}f}'

    def count() -> str:
        return chance.choice(('7', '640', '12.1k', '0.2M', '3B'))

    verdict = chance.choice(list(VERBS))
    about = {}
    if PREPOSITIONS[verdict] == 'in':
        about['counts'] = tuple(chance.randint(0, 99) for _ in range(4))
    elif chance.random() < 0.8:
        interval = (number(), number()) if chance.random() < 0.7 else None
        about = {'amount': number(), 'unit': name(), 'interval': interval}
    return Sentence(
        verdict=verdict,
        arm=name(),
        base=name(),
        datasets=tuple(name() for _ in range(chance.randint(1, 4))),
        params=chance.choice(('', count(), f'{count()} to {count()}')),
        steps=chance.choice(('140', '2,400', '140 to 2,400')),
        negligible=chance.random() < 0.3,
        censored=chance.random() < 0.3,
        **about,
    )


@pytest.mark.parametrize('seed', range(5))
def test_what_is_written_is_read_whatever_the_names(seed: int):
    chance = random.Random(seed)
    for _ in range(200):
        said = drawn(chance)
        assert parse(str(said)) == said, str(said)
        assert str(parse(str(said))) == str(said) and '\n' not in str(said)


BAD = [
    '',
    'dynamic_tanh is worse.',
    EXAMPLE[0][:-1],
    EXAMPLE[0] + ' ',
    EXAMPLE[0].replace('worse than', 'nicer than'),
    EXAMPLE[0].replace(' by ', ' within '),
    EXAMPLE[0].replace('2.1', 'two'),
    EXAMPLE[0].replace('is worse than', 'diverges more often than'),
    EXAMPLE[0].replace('by 2.1 points [1.2, 3.0]', 'in 3 of 12 runs against 0 of 12'),
    EXAMPLE[0].replace('cifar10', 'cifar 10'),
    EXAMPLE[0].replace('2.1 points', '2.1 '),
]


@pytest.mark.parametrize('text', BAD)
def test_other_sentences_are_refused(text: str):
    with pytest.raises(ValueError, match='is no sentence of a claim'):
        parse(text)


def test_counts_have_few_digits():
    import re

    from results.claims.sentence import count

    told = [count(number) for number in (0, 1, 999, 1000, 99_950, 100_000, 999_999, 1_234_567, 10**9, 10**13)]
    assert told == ['0', '1', '999', '1k', '100k', '0.1M', '1M', '1.23M', '1B', '10T']
    assert [count(number) for number in (99_999_999, 10**8, 99_999_999_999, 10**11, 10**15)] == [
        '100M',
        '0.1B',
        '100B',
        '0.1T',
        '1000T',
    ]
    assert all(re.fullmatch(COUNT, text) for text in told)

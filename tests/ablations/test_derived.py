"""What a task of a user's own gets where nothing is stated: budget, split, unit and chance, at the ends of each rule."""

import math

import pytest

from ablations.tasks.derived import MOST_HELD, SHORTEST, derive
from ablations.tasks.own_task import OwnTask
from ablations.tasks.task import Task

SERIES = {'kind': 'series', 'shape': [40], 'classes': ['a', 'b'], 'balance': {'pool': [3, 1]}}
LINES = {'kind': 'texts', 'classes': None, 'sizes': {'pool': 9, 'test': 1}, 'balance': {'pool': None}, 'shape': None}
WORDS = {**LINES, 'classes': ['a', 'b'], 'balance': {'pool': [1, 1]}}
ROWS = {'kind': 'tables', 'classes': ['a', 'b'], 'balance': {'pool': [1, 1]}, 'sizes': {'pool': 90, 'test': 10}}
SOUNDS = {**ROWS, 'kind': 'sounds', 'shape': None, 'rate': 4000}


def made(about: dict, **stated: object) -> Task:
    return derive(OwnTask(dataset='mine', **stated), 'mine', about, '')


def series(pool: int, **stated: object) -> Task:
    return made({**SERIES, 'sizes': {'pool': pool, 'test': 9}}, **stated)


def text(letters: int = 65_000, /, **more: object) -> Task:
    about = {name: more.pop(name) for name in ('kind', 'alphabet', 'characters') if name in more}
    return made({**LINES, 'elements': {'pool': letters}, **about}, **more)


@pytest.mark.parametrize(
    ('pool', 'stated', 'held', 'batch', 'steps', 'evaluations'),
    [
        # A fifth is held, at least one and at most so many; the batch is the largest of which four fit into the rest.
        (4, {}, 1, 8, 200, 4),
        (100, {}, 20, 16, 200, 4),
        (160, {}, 32, 32, 200, 4),
        (159, {}, 31, 32, 200, 4),
        (157, {}, 31, 16, 200, 4),
        (320, {}, 64, 64, 200, 4),
        (20_000, {}, MOST_HELD, 64, 2000, 4),
        # Twenty times through the examples, in whole hundreds.
        (2000, {}, 400, 64, 500, 4),
        (2000, {'batch': 32}, 400, 32, 1000, 4),
        (2000, {'held': 80}, 80, 64, 600, 4),
        (2000, {'train': 40}, 400, 8, 200, 4),
        (2000, {'steps': 90}, 400, 64, 90, 3),
        (2000, {'evaluations': 3}, 400, 64, 300, 3),
        (2000, {'evaluations': 7}, 400, 64, 700, 7),
        (2000, {'evaluations': 23}, 400, 64, 483, 23),
    ],
)
def test_the_budget_follows_from_the_number_of_examples(pool, stated, held, batch, steps, evaluations):
    one = series(pool, **stated)
    assert (one.data['held'], one.batch, one.steps, one.evaluations) == (held, batch, steps, evaluations)


def test_a_stated_batch_may_be_all_that_is_trained_on_and_no_more():
    assert series(100, batch=80).batch == 80
    assert series(100, train=50, batch=50).batch == 50
    for stated, train in (({'batch': 81}, 80), ({'train': 50, 'batch': 51}, 50)):
        with pytest.raises(ValueError, match=rf'batch={stated["batch"]} of {train} training examples; allowed: up to these'):
            series(100, **stated)
    # That nothing is left to train on is said where the set is split, and not of the batch.
    assert series(100, held=100, batch=80).batch == series(100, held=120, batch=80).batch == 80
    with pytest.raises(ValueError, match='batch=2 of 1 training examples'):
        series(100, held=99, batch=2)


@pytest.mark.parametrize(
    ('stated', 'unit', 'chance'),
    [
        ({}, 'bits per byte', math.log2(257)),
        ({'tokenizer': 'gpt2'}, 'bits per byte', math.log2(257)),
        ({'tokens': 'characters', 'characters': 20}, 'bits per byte', math.log2(22)),
        ({'tokens': 'bpe', 'vocabulary': 500}, 'bits per byte', 8.0),
        ({'kind': 'tokens', 'vocabulary': 500}, 'nats per token', math.log(500)),
        ({'kind': 'tokens', 'vocabulary': 500, 'tokenizer': 'gpt2'}, 'bits per byte', 8.0),
        ({'tokens': 'bpe', 'vocabulary': 500, 'unit': 'nats per token'}, 'nats per token', math.log(500)),
        ({'tokens': 'bpe', 'vocabulary': 500, 'tokenizer': 'gpt2'}, 'bits per byte', 8.0),
        ({'kind': 'molecules'}, 'bits per byte', math.log2(257)),
    ],
    ids=str,
)
def test_the_unit_and_the_chance_of_a_language_follow_from_its_tokens(stated, unit, chance):
    one = text(**stated)
    assert (one.metric, one.direction, one.margin) == ('loss', 'lower', 0.02)
    assert (one.unit, one.data['unit']) == (unit, unit) and one.chance == pytest.approx(chance)
    vocabulary = 22 if 'characters' in stated else stated.get('vocabulary', 257)
    assert one.base['head']['outputs'] == one.base['stem']['vocabulary'] == vocabulary
    shards = stated.get('kind') == 'tokens'
    assert one.data['tokens'] == ('file' if shards and 'tokenizer' in stated else stated.get('tokens', 'bytes'))


@pytest.mark.parametrize(
    ('alphabet', 'domain', 'unit', 'margin'),
    [('nucleotides', 'nucleic acids', 'bits per base', 0.01), ('amino_acids', 'proteins', 'bits per residue', 0.02)],
)
def test_letters_of_sequences_are_counted_as_what_they_are(alphabet, domain, unit, margin):
    one = text(alphabet=alphabet)
    assert (one.domain, one.unit, one.margin) == (domain, unit, margin)
    assert text(alphabet=alphabet, unit='nats per token').unit == 'nats per token'


def test_windows_of_a_text_follow_from_its_length():
    """65,000 characters are 1,000 windows of 64 and the next one; closer together they are more."""
    one = text()
    assert (one.data['length'], one.data['spacing'], one.data['held']) == (64, 16, 200)
    assert one.base['position']['length'] == 64
    assert text(6_500_000).data['held'] == 512
    assert text(length=3).data['spacing'] == 1 and text(spacing=0).data['spacing'] == 0
    # With windows that share nothing there are 1,000, of which 200 are held; stated too few for a batch of that size.
    assert text(spacing=0, batch=800).batch == 800
    with pytest.raises(ValueError, match='batch=801 of 800 training examples'):
        text(spacing=0, batch=801)
    assert text(batch=65_000 // 16 - 200).batch == 3862
    with pytest.raises(ValueError, match='batch=3,863 of 3,862 training examples'):
        text(batch=3863)
    assert text(SHORTEST).name == 'mine'
    with pytest.raises(ValueError, match=f'a text of {SHORTEST - 1:,} characters in the pool is too short'):
        text(SHORTEST - 1)


@pytest.mark.parametrize('tokens', ['tokens', 'texts'])
def test_a_vocabulary_that_nobody_tells_is_asked_for(tokens):
    said = {'tokens': 'shards of tokens: the size', 'texts': "tokens='bpe': the size"}[tokens]
    with pytest.raises(ValueError, match=said):
        text(kind=tokens, tokens='bpe')


@pytest.mark.parametrize(
    ('longest', 'length', 'places', 'cut'),
    [(48, None, 48, False), (1024, None, 1024, False), (48, 48, 48, False), (48, 47, 47, True), (48, 60, 60, False)],
)
def test_texts_are_as_long_as_the_longest_unless_cut(longest, length, places, cut):
    one = made({**WORDS, 'longest': longest}, length=length)
    assert one.data['length'] == one.base['position']['length'] == places and one.data.get('cut', False) is cut


def test_tokens_of_shards_have_one_more_for_what_is_left_empty():
    one = made({**WORDS, 'kind': 'tokens', 'longest': 48}, vocabulary=30)
    assert (one.base['stem']['vocabulary'], one.data['vocabulary'], one.base['head']['outputs']) == (31, 30, 2)
    assert made({**WORDS, 'longest': 48}).base['stem']['vocabulary'] == 257


@pytest.mark.parametrize('longest', [0, 1025])
def test_a_length_that_would_be_none_or_very_long_is_asked_for(longest):
    with pytest.raises(ValueError, match=f'the longest of its texts has {longest:,} places; allowed without a word: 1,024'):
        made({**WORDS, 'longest': longest})


@pytest.mark.parametrize(('features', 'row'), [(1, 'tokens'), (128, 'tokens'), (129, None)])
def test_features_of_a_narrow_table_are_positions_and_those_of_a_wide_one_channels(features, row):
    one = made({**ROWS, 'shape': [features]})
    assert one.data.get('row') == row and ('position' in one.base and one.base['position'].get('length')) == (
        features if row else None
    )


@pytest.mark.parametrize(('longest', 'length'), [(1, 1024), (1024, 1024), (1025, 2048)])
def test_recordings_are_as_long_as_whole_stages_of_their_maps(longest, length):
    one = made({**SOUNDS, 'longest': longest})
    assert (one.data['kind'], one.data['length']) == ('spoken_digits', length)
    assert one.base['position']['length'] == length // 128 // 4 * (32 // 4)
    assert (one.base['stem']['patch'], one.base['body']['widths'], one.base['body']['depths']) == (4, [48, 96], [1, 1])
    assert one.base['mixer']['kernel'] == 5 and one.base['head']['outputs'] == 2
    assert made({**SOUNDS, 'longest': longest}, length=512).data['length'] == 512


@pytest.mark.parametrize('kind', ['images', 'sounds'])
@pytest.mark.parametrize(('stated', 'supervised'), [({}, False), ({'metric': 'accuracy'}, False), ({'metric': 'auroc'}, True)])
def test_classes_by_another_metric_than_accuracy_are_of_the_kind_that_has_it(kind, stated, supervised):
    about = {**SOUNDS, 'kind': kind, 'shape': [16, 16, 3], 'longest': 512}
    one = made(about, **stated)
    assert (one.data['kind'] == 'supervised') is supervised and one.metric == stated.get('metric', 'accuracy')
    assert made(about, data={'control': 'labels'}).data['kind'] == 'supervised'


def test_the_control_of_halves_has_two_classes_as_large_as_each_other():
    one = made({**ROWS, 'shape': [4], 'classes': ['a', 'b', 'c'], 'balance': {'pool': [5, 1, 1]}}, data={'control': 'halves'})
    assert (one.chance, one.base['head']['outputs']) == (0.5, 2)


@pytest.mark.parametrize(
    ('stated', 'said'),
    [
        ({'chance': 1.0, 'margin': 5.0}, None),
        ({'margin': 0.25}, r'margin=0\.25 of accuracy: .* is 0\.25 better than chance \(0\.75\).*; it is a share'),
        ({'margin': 0.24}, None),
        ({'chance': -0.1}, r'chance=-0\.1 of accuracy; allowed: 0 to 1; it is a share: 0\.01 is one point'),
        ({'chance': 1.1}, r'chance=1\.1 of accuracy; allowed: 0 to 1'),
    ],
)
def test_a_margin_leaves_something_to_gain(stated, said):
    if said is None:
        assert series(100, **stated).margin == stated['margin']
    else:
        with pytest.raises(ValueError, match=said):
            series(100, **stated)


def test_a_margin_of_a_metric_where_lower_is_better_is_less_than_its_chance():
    assert text(margin=2.9, chance=3.0).margin == 2.9
    with pytest.raises(ValueError, match=r'margin=3 of loss: a model without any error is 3 better than chance \(3\).* less$'):
        text(margin=3.0, chance=3.0)

"""Questions that claims share, and how the claims stand to each other."""

import dataclasses
from collections.abc import Iterable

import pytest
from made_claims import LAYER, SETTING, TANH, claim, published

from ablations.config import put, swap
from ablations.study import Study
from results.claims.claim import Claim
from results.claims.difference import differences, holder, kinds_of
from results.claims.question import question_of, turned
from results.claims.relation import AGREEMENTS, KINDS, agreement, contradictions, relations
from results.claims.setting import setting_of

BACK = {
    'kinds': {**SETTING.kinds, 'norm': 'dynamic_tanh'},
    'differences': ({'path': 'norm', 'from': TANH, 'to': {'kind': 'layer_norm'}},),
}
"""The setting of a study whose base has dynamic tanh."""


def key(one: Claim) -> str:
    return question_of(one).key


def told(claims: Iterable[Claim]) -> list[tuple]:
    return [(one.kind, one.agreement, one.first.study, one.second.study) for one in relations(claims)]


def test_names_sizes_and_budgets_do_not_make_another_question():
    same = [
        claim(study='second', arm='tanh', base='norm', study_digest='b' * 16),
        claim(setting={'params': 10**6, 'base_params': 10**6, 'steps': 2400, 'base_steps': 2400, 'batch': 128}),
        claim(trials=64, replicates=20, verdict='better', effect=0.1),
        claim(setting={'differences': ({'path': 'norm', 'from': {**LAYER, 'eps': 1e-5}, 'to': TANH},)}),
    ]
    assert {key(one) for one in same} == {key(claim())}


def test_a_place_whose_name_begins_alike_is_not_within_what_differs():
    """`norm_channel` is no part of `norm`: another kind there makes another question. Parts of what differs say nothing."""
    asked = key(claim(setting={'kinds': {**SETTING.kinds, 'norm_channel': 'rms_norm'}}))
    assert asked != key(claim(setting={'kinds': {**SETTING.kinds, 'norm_channel': 'layer_norm'}}))
    assert key(claim(setting={'kinds': {**SETTING.kinds, 'norm.part': 'rms_norm'}})) == key(claim())


OTHERS = [
    {'setting': {'dataset': 'cifar10'}},
    {'setting': {'kinds': {**SETTING.kinds, 'mixer': 'pooling'}}},
    {'setting': {'differences': ({'path': 'norm', 'from': LAYER, 'to': {'kind': 'rms_norm'}},)}},
    {'setting': {'differences': ({'path': 'norm', 'from': LAYER, 'to': {**TANH, 'alpha': 0.2}},)}},
    {'setting': {'differences': ({'path': 'qk_norm', 'from': LAYER, 'to': TANH},)}},
    {'setting': {'differences': ()}},
    {'metric': 'loss'},
    {'direction': 'lower'},
    {'scope': 'overall'},
    {'blocks': 'f' * 16},
]


@pytest.mark.parametrize('fields', OTHERS, ids=str)
def test_what_is_compared_makes_another_question(fields: dict):
    assert key(claim(**fields)) != key(claim())


def test_put_and_swap_ask_the_same():
    arms = {'base': (), 'put': put('channel.ratio', 2.0), 'swap': swap('channel', 'mlp', ratio=2.0)}
    study = Study(name='narrow', question='?', arms=arms, tasks=('digits',))
    first, second = (claim(settings=(setting_of(study, arm, 'digits', {}),)) for arm in ('put', 'swap'))
    assert key(first) == key(second) and first.settings[0].differences[0]['path'] == 'channel.ratio'


def test_a_lacking_value_is_a_difference():
    assert differences({'a': {'kind': 'x', 'b': 1}}, {'a': {'kind': 'x'}}) == [{'path': 'a.b', 'from': 1, 'to': None}]
    assert differences({'a': [1, 2]}, {'a': [1, 2]}) == []
    spec = {'kind': 'x'}
    assert differences({'a': spec}, {}) == [{'path': 'a', 'from': spec, 'to': None}]
    assert differences({}, {'a': spec}) == [{'path': 'a', 'from': None, 'to': spec}]
    assert [one['path'] for one in differences({'_own': 1, 'a': {'_own': 2}}, {})] == ['_own', 'a']
    assert kinds_of({'_own': {'kind': 'x', '_inner': [spec]}}) == {'_own': 'x', '_own._inner.0': 'x'}
    assert differences({'b': 1, 'a': 2}, {'c': 3}) == [
        {'path': 'a', 'from': 2, 'to': None},
        {'path': 'b', 'from': 1, 'to': None},
        {'path': 'c', 'from': None, 'to': 3},
    ]


def test_kinds_are_told_by_their_places_in_lists_too():
    assert kinds_of({'body': {'kind': 'isotropic', 'stack': [{'norm': {'kind': 'identity'}}, 3]}}) == {
        'body': 'isotropic',
        'body.stack.0.norm': 'identity',
    }
    assert kinds_of({'kind': 'all'}) == {} and kinds_of({'norm': {'kind': 3}}) == {} and kinds_of(None) == {}
    assert kinds_of(({'kind': 'one'},)) == {'0': 'one'}


def test_a_place_is_held_by_the_innermost_spec():
    kinds = {'mixer': 'mixed', 'mixer.inner': 'pooling'}
    assert [holder(path, kinds) for path in ('mixer.inner.size', 'mixer.inner', 'mixer.size', 'mixer')] == [
        'pooling',
        'pooling',
        'mixed',
        'mixed',
    ]
    assert holder('mix', kinds) is None and holder('mixers.size', kinds) is None and holder('norm', {}) is None


def test_the_reverse_study_answers_the_same_question():
    back = claim(study='back', arm='layer_norm', base='dynamic_tanh', setting=BACK)
    assert key(back) == key(claim()) and question_of(back).reversed != question_of(claim()).reversed
    assert agreement(claim(verdict='worse'), dataclasses.replace(back, verdict='better', effect=0.02)) == 'agrees'
    assert agreement(claim(verdict='worse'), dataclasses.replace(back, verdict='worse', effect=-0.02)) == 'contradicts'


def test_a_claim_that_is_turned_twice_is_itself():
    one = claim(diverged=3, base_diverged=1, confirmed=10, base_confirmed=8)
    back = turned(one)
    assert (back.verdict, back.effect, back.interval) == ('better', 0.021, (0.012, 0.03))
    assert (back.diverged, back.confirmed, back.base_diverged) == (1, 8, 3)
    assert turned(back) == one


PAIRS = [
    ('better', 0.05, 'better', 0.02, 'agrees'),
    ('better', 0.05, 'worse', -0.02, 'contradicts'),
    ('equivalent', 0.001, 'equivalent', -0.001, 'agrees'),
    ('equivalent', 0.001, 'worse', -0.02, 'contradicts'),
    ('equivalent', 0.001, 'worse', -0.004, 'differs'),
    ('equivalent', 0.001, 'better', None, 'contradicts'),
    ('unstable', None, 'worse', -0.02, 'differs'),
]


@pytest.mark.parametrize(('verdict', 'effect', 'other', 'its_effect', 'expected'), PAIRS)
def test_which_verdicts_can_both_be_true(verdict, effect, other, its_effect, expected):
    pair = [claim(verdict=verdict, effect=effect), claim(study='second', verdict=other, effect=its_effect)]
    assert agreement(*pair) == agreement(*pair[::-1]) == expected


@pytest.mark.parametrize(
    ('effect', 'expected'),
    [(0.0099, 'differs'), (0.01, 'contradicts'), (-0.01, 'contradicts'), (-0.0099, 'differs'), (0.02, 'contradicts')],
)
def test_a_difference_of_a_whole_margin_contradicts_equivalence(effect: float, expected: str):
    other = claim(verdict='better' if effect > 0 else 'worse', effect=effect)
    assert agreement(claim(verdict='equivalent', effect=0.001), other) == expected


def test_an_interval_that_is_open_on_a_side_is_open_on_the_other_when_turned():
    assert turned(claim(interval=(None, -0.012))).interval == (0.012, None)
    back = turned(claim(interval=None, effect=None, verdict='unstable'))
    assert (back.interval, back.effect, back.verdict) == (None, None, 'unstable')


def test_a_negligible_difference_does_not_contradict_equivalence():
    pair = claim(verdict='equivalent', effect=0.001), claim(verdict='worse', effect=-0.02, negligible=True)
    assert agreement(*pair) == 'differs'


def test_rates_of_divergence_contradict_each_other_where_they_name_different_models():
    more = claim(verdict='unstable', diverged=8, confirmed=10, base_diverged=0, base_confirmed=10)
    less = claim(verdict='unstable', diverged=0, confirmed=10, base_diverged=8, base_confirmed=10)
    assert agreement(more, more) == 'agrees' and agreement(more, less) == 'contradicts'
    back = dataclasses.replace(less, arm='layer_norm', base='dynamic_tanh', settings=claim(setting=BACK).settings)
    assert agreement(more, back) == 'agrees'


LARGE = {'params': 200_000, 'base_params': 200_000, 'steps': 2400, 'base_steps': 2400}


def test_a_larger_scale_supersedes_a_smaller_one_and_may_reverse_it():
    small, large = claim(), claim(study='second', setting=LARGE)
    assert told([small, large]) == told([large, small]) == [('supersedes', 'agrees', 'second', 'first')]
    reversal = dataclasses.replace(large, verdict='better', effect=0.03)
    (one,) = relations([small, reversal])
    assert one.reverses and contradictions([one]) == [one]
    (same,) = relations([small, large])
    (beside,) = relations([small, claim(study='second', verdict='better', effect=0.03)])
    assert not same.reverses and not beside.reverses and contradictions([same, beside]) == [beside]
    longer = claim(study='second', setting={'steps': 150, 'base_steps': 150})
    assert told([small, longer]) == [('supersedes', 'agrees', 'second', 'first')]


def test_neither_scale_is_larger_where_one_has_more_parameters_and_the_other_more_steps():
    wide, long = claim(setting={'params': 10**6, 'base_params': 10**6}), claim(study='second', setting={'steps': 2400})
    assert told([wide, long]) == [('stands beside', 'agrees', 'first', 'second')]
    unknown = claim(study='second', setting={'params': None})
    assert told([claim(), unknown]) == [('stands beside', 'agrees', 'first', 'second')]


def test_a_study_of_another_name_at_the_same_scale_is_a_repetition():
    assert told([claim(), claim(study='second')]) == [('repeats', 'agrees', 'first', 'second')]
    assert told([claim(), claim(arm='again')]) == [('shares seeds', 'agrees', 'first', 'first')]


def test_what_says_nothing_stands_to_nothing():
    assert told([claim(), claim(study='second', verdict='undecided'), claim(study='third', verdict='not comparable')]) == []


def test_overall_claims_compare_every_dataset():
    def overall(study: str, *params: int) -> Claim:
        settings = [dataclasses.replace(SETTING, dataset=f'd{i}', params=n, base_params=n) for i, n in enumerate(params)]
        return claim(study=study, scope='overall', settings=tuple(settings))

    assert told([overall('first', 10, 20), overall('second', 10, 30)]) == [('supersedes', 'agrees', 'second', 'first')]
    assert told([overall('first', 10, 20), overall('second', 5, 30)]) == [('stands beside', 'agrees', 'first', 'second')]
    assert told([overall('first', 10, 20), overall('second', 10)]) == []
    # Whatever the order in which a study has them.
    other = overall('second', 10, 30)
    back = dataclasses.replace(other, settings=other.settings[::-1])
    assert told([overall('first', 10, 20), back]) == [('supersedes', 'agrees', 'second', 'first')]
    assert told(
        [overall('first', 10, 20), dataclasses.replace(overall('second', 10, 20), settings=overall('x', 10, 20).settings[::-1])]
    ) == [('repeats', 'agrees', 'first', 'second')]


def test_published_studies_meet():
    norms = {key(one): one for one in published().claims if one.study == 'norms'}
    shared = [one for one in published().claims if one.study == 'quickstart' and key(one) in norms]
    assert {(one.arm, one.datasets) for one in shared} == {
        (arm, (name,)) for arm in ('rms_norm', 'dynamic_tanh', 'layer_norm_again') for name in ('digits', 'stdlib_bytes')
    }
    assert all(one.kind in KINDS and one.agreement in AGREEMENTS for one in published().relations)

"""Claims as data: their addresses, and what is refused."""

import dataclasses
import json

import pytest
from made_claims import CLAIM, claim, published

from results.claims.claim import claim_of


def test_a_claim_comes_back_from_plain_data():
    assert len(published().claims) > 10
    for one in published().claims:
        again = claim_of(json.loads(json.dumps(one.to_dict())))
        assert again == one and again.digest == one.digest


def test_the_address_is_of_what_is_claimed():
    assert claim().digest == CLAIM.digest
    assert claim(sources=(), reason='in other words').digest == CLAIM.digest
    others = [claim(verdict='better'), claim(effect=-0.022), claim(study_digest='f' * 16), claim(setting={'steps': 141})]
    assert len({one.digest for one in (CLAIM, *others)}) == 5


def test_a_claim_with_a_verdict_that_says_nothing_says_nothing():
    says = {verdict: claim(verdict=verdict).says for verdict in ('better', 'worse', 'equivalent', 'unstable', 'undecided')}
    assert says == {'better': True, 'worse': True, 'equivalent': True, 'unstable': True, 'undecided': False}
    assert not claim(verdict='not comparable').says


BAD = [
    ({'verdict': 'superb'}, 'verdict.*superb'),
    ({'effect': 'large'}, 'effect'),
    ({'interval': [1]}, 'interval'),
    ({'replicates': -1}, 'replicates'),
    ({'replicates': True}, 'replicates'),
    ({'negligible': 1}, 'negligible'),
    ({'settings': []}, 'settings'),
    ({'settings': [{'task': 'digits'}]}, 'settings'),
    ({'changes': 'norm'}, 'changes'),
    ({'optimizers': 'adamw'}, 'optimizers'),
    ({'margin': None}, 'margin'),
    ({'margin': 0.0}, 'margin'),
    ({'effect': float('nan')}, 'effect'),
    ({'colour': 'red'}, "unknown \\['colour'\\]"),
    *(({name: 3}, f'field {name} of a claim is .3.; allowed: a text') for name in ('study', 'arm', 'unit', 'reason', 'blocks')),
    *(({name: 1.5}, f'field {name} .* allowed: a count') for name in ('trials', 'seeds', 'diverged', 'base_confirmed')),
    ({'scope': 'all'}, r"scope .* allowed: one of \['dataset', 'overall'\]"),
    ({'direction': 'up'}, "direction .* allowed: 'higher' or 'lower'"),
    ({'interval': [1, 2, 3]}, 'interval .* allowed: two numbers or null'),
    ({'interval': [1, '2']}, 'interval'),
    ({'interval': [True, 2]}, 'interval'),
    ({'effect': True}, 'effect .* allowed: a number or null'),
    ({'p_adjusted': float('inf')}, 'p_adjusted'),
    ({'margin': True}, 'margin .* allowed: a number above 0'),
    ({'optimizers': ['adamw', 3]}, 'optimizers .* allowed: a list of names'),
    ({'censored': 'layer_norm'}, 'censored'),
    ({'sources': [{}, 'runs']}, 'sources .* allowed: a list of objects'),
]


BAD_SETTINGS = [
    *({name: 3} for name in ('task', 'dataset', 'domain')),
    *({name: 'many'} for name in ('params', 'base_params', 'steps', 'base_steps', 'batch')),
    *({name: value} for name in ('steps', 'batch') for value in (None, -1, 1.5, True)),
    {'params': True},
    {'kinds': ['layer_norm']},
    {'kinds': {'norm': None}},
    {'differences': {}},
    {'differences': [{'path': 'norm', 'from': 1}]},
    {'differences': [{'path': 'norm', 'from': 1, 'to': 2, 'more': 3}]},
    {'differences': ['norm']},
    {'more': 1},
]


@pytest.mark.parametrize('changes', BAD_SETTINGS, ids=str)
def test_a_setting_with_a_field_of_another_kind_is_refused_wherever_it_stands(changes: dict):
    whole = CLAIM.to_dict()['settings'][0]
    assert claim_of({**CLAIM.to_dict(), 'settings': [whole, whole]}).tasks == ('digits', 'digits')
    for settings in ([{**whole, **changes}], [whole, {**whole, **changes}]):
        with pytest.raises(ValueError, match=r'the field settings of a claim is .* allowed: a list of settings'):
            claim_of({**CLAIM.to_dict(), 'settings': settings})


@pytest.mark.parametrize(
    'changes',
    [{'interval': None}, {'interval': [None, 0.1]}, {'effect': None}, {'effect': 1}, {'p_adjusted': None}, {'margin': 2}],
    ids=str,
)
def test_what_is_not_known_may_be_left_open(changes: dict):
    one = claim_of({**CLAIM.to_dict(), **changes})
    assert claim_of(one.to_dict()) == one
    assert all(json.loads(json.dumps(one.to_dict()))[name] == value for name, value in changes.items())


def test_datasets_are_named_once_and_tasks_each():
    settings = tuple(
        dataclasses.replace(CLAIM.settings[0], task=task, dataset=of) for task, of in (('a', 'd'), ('b', 'd'), ('c', 'e'))
    )
    one = claim(settings=settings)
    assert (one.tasks, one.datasets) == (('a', 'b', 'c'), ('d', 'e'))


@pytest.mark.parametrize(('changes', 'why'), BAD, ids=[next(iter(changes)) + str(i) for i, (changes, _) in enumerate(BAD)])
def test_other_data_are_refused(changes: dict, why: str):
    with pytest.raises(ValueError, match=why):
        claim_of({**CLAIM.to_dict(), **changes})


def test_a_missing_field_is_named():
    fields = CLAIM.to_dict()
    del fields['margin']
    with pytest.raises(ValueError, match="lacks \\['margin'\\]"):
        claim_of(fields)
    with pytest.raises(ValueError, match='given list'):
        claim_of([])


def test_every_field_has_its_kind():
    from results.claims.claim import KINDS, SETTING
    from results.claims.setting import Setting

    assert set(KINDS) == {field.name for field in dataclasses.fields(CLAIM)}
    assert set(SETTING) == {field.name for field in dataclasses.fields(Setting)}

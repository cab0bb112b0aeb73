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
]


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

"""Claims about a kind of block."""

import pytest
from made_claims import SETTING, claim, published

from results.claims.by_kind import claims_about, kinds_in


def test_what_replaces_and_what_is_replaced_are_both_meant():
    assert kinds_in(claim()) == {'layer_norm', 'dynamic_tanh'}
    inside = ({'path': 'mixer.heads', 'from': 2, 'to': 4},)
    assert kinds_in(claim(setting={'differences': inside}, changes=({'put': 'mixer.heads', 'value': 4},))) == {'attention'}


def test_kinds_within_other_kinds_are_meant():
    mixed = {'kind': 'mixed', 'inner': {'kind': 'pooling'}}
    one = claim(setting={'differences': ({'path': 'mixer', 'from': {'kind': 'attention'}, 'to': mixed},)}, changes=())
    assert kinds_in(one) == {'attention', 'mixed', 'pooling'}
    base = claim(base_changes=({'swap': 'channel', 'kind': 'gated', 'fields': {}},))
    assert 'gated' in kinds_in(base)


def test_optimizers_that_two_arms_do_not_have_in_common_are_meant():
    other = ({'path': 'optimizer', 'from': 'adamw or sgd', 'to': 'muon'},)
    assert kinds_in(claim(setting={'differences': other}, changes=())) == {'adamw', 'sgd', 'muon'}


def test_a_word_is_a_whole_kind_or_a_part_of_an_arms_name():
    one = claim(arm='a_tanh_arm')
    assert claims_about([one], 'layer_norm') == claims_about([one], 'a_tanh') == claims_about([one], 'a_tanh_arm') == [one]
    with pytest.raises(ValueError, match=r"--about 'layer': .*kinds: \['attention', 'dynamic_tanh', .* arms: \['a_tanh_arm'\]"):
        claims_about([one], 'layer')


def test_claims_about_a_kind_or_an_arm():
    tanh = claims_about(published().claims, 'dynamic_tanh')
    assert {one.study for one in tanh} >= {'norms', 'quickstart'} and {one.arm for one in tanh} == {'dynamic_tanh'}
    swapped = claims_about(published().claims, 'depthwise_conv')
    assert {one.arm for one in swapped} >= {'no_mixer', 'attention', 'convolution'}
    assert all('depthwise_conv' in kinds_in(one) for one in swapped)
    assert {one.arm for one in claims_about(published().claims, 'no_mixer')} == {'no_mixer'}
    claims = published().claims
    parts = {kind for one in claims for setting in one.settings for kind in setting.kinds.values()}
    unchanged = parts - {kind for one in claims for kind in kinds_in(one)}
    assert 'next_token' in unchanged and claims_about(claims, 'next_token') == []
    # Another activation was in the place of it.
    assert 'gates_and_activations_small' in {one.study for one in claims_about(published().claims, 'gelu')}


def test_an_unknown_word_is_refused_with_the_closest():
    with pytest.raises(ValueError, match="Did you mean 'dynamic_tanh'"):
        claims_about(published().claims, 'dinamic_tanh')
    with pytest.raises(ValueError, match="'attention'"):
        claims_about([claim()], 'perceiver')
    with pytest.raises(ValueError, match='no block or arm'):
        claims_about([claim()], '')
    assert SETTING.kinds['mixer'] == 'attention'

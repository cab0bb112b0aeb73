"""The two changes, put and swap: what they do, and every hole of ConfigDict that they must not have."""

import copy
import math

import numpy as np
import pytest
from ml_collections import ConfigDict

from ablations.config import changed, plain, put, swap
from ablations.tasks.bases import convnext

BASE = convnext(outputs=10, patch=2, widths=[16, 32], depths=[1, 1], kernel=3)
FLAGGED = {'norm': {'kind': 'layer_norm', 'bias': True, 'eps': 1e-6}, 'names': {'kind': 'list', 'values': ['a'], 'none': []}}


def test_put_changes_one_value_and_leaves_the_base():
    before = copy.deepcopy(BASE)
    config = changed(BASE, (put('channel.ratio', 3.0),))
    assert config == {**before, 'channel': {'kind': 'mlp', 'ratio': 3.0}}
    config['norm']['eps'] = 1.0
    config['body']['widths'].append(64)
    assert before == BASE, 'the base is shared by every study and must not change'


def test_swap_replaces_the_whole_spec():
    config = changed(BASE, (swap('mixer', 'attention', heads=2),))
    assert config['mixer'] == {'kind': 'attention', 'heads': 2}, 'no field of the old kind may survive'
    assert {k: v for k, v in config.items() if k != 'mixer'} == {k: v for k, v in BASE.items() if k != 'mixer'}


def test_changes_apply_in_order():
    config = changed(BASE, (swap('mixer', 'attention', heads=2), put('mixer.heads', 4)))
    assert config['mixer'] == {'kind': 'attention', 'heads': 4}
    with pytest.raises(ValueError, match="mixer has no 'heads'"):
        changed(BASE, (put('mixer.heads', 4), swap('mixer', 'attention', heads=2)))


def test_no_change_is_the_base():
    assert changed(BASE, ()) == BASE


@pytest.mark.parametrize(
    ('base', 'change', 'said'),
    [
        # Names: a locked ConfigDict still takes new keys through several doors; there is none here.
        (
            BASE,
            put('channel.ratoi', 4.0),
            "channel has no 'ratoi'; it has ['bias', 'kind', 'ratio', 'short_conv']. Did you mean 'ratio'?",
        ),
        (BASE, put('chanel.ratio', 4.0), "the config has no 'chanel'"),
        (BASE, put('chanel.ratio', 4.0), "Did you mean 'channel'?"),
        (BASE, put('channel.ratio.more', 4.0), 'channel.ratio is a plain value and has nothing below it'),
        (BASE, swap('nrom', 'rms_norm'), "Did you mean 'norm'?"),
        (BASE, put('', 1), 'write names joined by dots'),
        (BASE, put('channel..ratio', 1), 'write names joined by dots'),
        (BASE, put('.ratio', 1), 'write names joined by dots'),
        (BASE, put(3, 1), 'path 3 is not a dotted name'),
        # Methods of ConfigDict are not names of the config.
        (BASE, put('lock', 1), "the config has no 'lock'"),
        (BASE, put('norm.update', 1), "norm has no 'update'"),
        # A subtree by put: in a ConfigDict it would replace a locked subtree by an unlocked one.
        (BASE, put('norm', {'kind': 'rms_norm'}), "use swap('norm', kind, ...)"),
        (BASE, put('norm', 'rms_norm'), "use swap('norm', kind, ...)"),
        (BASE, put('norm.eps', {'kind': 'x'}), 'given dict, allowed float'),
        (BASE, put('norm.kind', 'rms_norm'), "use swap('norm', 'rms_norm')"),
        # None passes for every type in a ConfigDict.
        (BASE, put('norm.eps', None), 'a config holds only'),
        (BASE, put('mixer.kernel', None), 'a config holds only'),
        (BASE, put('body.widths', [16, None]), "put('body.widths')[1]"),
        (BASE, swap('norm', 'rms_norm', eps=None), "swap('norm').eps"),
        # A bool is an int to Python.
        (BASE, put('mixer.kernel', True), 'given bool, allowed int'),
        (BASE, put('norm.eps', True), 'given bool, allowed float'),
        (BASE, put('body.depths', [True, True]), 'given list, allowed list'),
        (FLAGGED, put('norm.bias', 1), 'given int, allowed bool'),
        # Other wrong types.
        (BASE, put('mixer.kernel', 3.0), 'given float, allowed int'),
        (BASE, put('mixer.kernel', '3'), 'given str, allowed int'),
        (BASE, put('norm.eps', '1e-6'), 'given str, allowed float'),
        (BASE, put('body.widths', 16), 'given int, allowed list'),
        (BASE, put('body.widths', [16.0, 32.0]), 'given list, allowed list'),
        (BASE, put('body.widths', ['16']), 'given list, allowed list'),
        (FLAGGED, put('names.values', [1]), 'given list, allowed list'),
        # What JSON cannot hold: a digest of its description would change from run to run, or not at all.
        (BASE, put('norm.eps', object()), 'given object'),
        (BASE, put('norm.eps', np.float32(1e-6)), 'given float32'),
        (BASE, put('mixer.kernel', np.int64(3)), 'given int64'),
        (BASE, put('body.widths', np.array([1, 2])), 'given ndarray'),
        (BASE, put('body.widths', {16, 32}), 'given set'),
        (BASE, put('activation.kind', len), "use swap('activation'"),
        (BASE, swap('activation', 'gelu', function=len), 'given builtin_function_or_method'),
        (BASE, swap('norm', 'rms_norm', eps={1: 2}), 'keys are strings'),
        (BASE, put('norm.eps', math.nan), 'give a finite number'),
        (BASE, put('norm.eps', math.inf), 'give a finite number'),
        (BASE, swap('norm', 'rms_norm', eps=-math.inf), 'give a finite number'),
        # Swaps where there is nothing to swap.
        (BASE, swap('norm.eps', 'rms_norm'), "use put('norm.eps', value)"),
        (BASE, swap('body.widths', 'wide'), "use put('body.widths', value)"),
        (BASE, swap('norm', None), 'the kind is a name in quotes'),
        (BASE, swap('norm', 3), 'the kind is a name in quotes'),
        # Not a change at all.
        (BASE, 'norm', 'is not a change'),
        (BASE, ('norm', 'rms_norm'), 'is not a change'),
        (BASE, {'norm': 'rms_norm'}, 'is not a change'),
        (BASE, None, 'is not a change'),
    ],
)
def test_a_change_that_does_not_fit_is_refused(base, change, said):
    with pytest.raises(ValueError) as caught:
        changed(base, (change,))
    assert said in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('base', 'change', 'path', 'value'),
    [
        (BASE, put('body.widths', (8, 24)), ('body', 'widths'), [8, 24]),
        (BASE, put('channel.ratio', 3), ('channel', 'ratio'), 3.0),
        (BASE, swap('mixer', 'x', sizes=(1, (2, 3))), ('mixer', 'sizes'), [1, [2, 3]]),
        (BASE, swap('mixer', 'x', inner={'kind': 'y', 'a': (1,)}), ('mixer', 'inner'), {'kind': 'y', 'a': [1]}),
        (FLAGGED, put('names.none', ['x']), ('names', 'none'), ['x']),
        (FLAGGED, put('norm.bias', False), ('norm', 'bias'), False),
    ],
)
def test_what_python_writes_in_two_ways_ends_as_one(base, change, path, value):
    """Tuples end as lists and whole numbers as floats where a float was: one config, one digest."""
    config = changed(base, (change,))[path[0]][path[1]]
    assert config == value
    assert type(config) is type(value)


def test_a_base_given_as_config_dict_is_data_again():
    config = changed(ConfigDict(BASE), (put('norm.eps', 1e-3),))
    assert type(config) is dict
    assert all(type(spec) is dict for spec in config.values())
    assert config == changed(BASE, (put('norm.eps', 1e-3),))


def test_changing_an_arms_dictionary_later_changes_no_arm():
    fields = {'sizes': [1, 2]}
    change = swap('mixer', 'x', **fields)
    first = changed(BASE, (change,))
    first['mixer']['sizes'].append(3)
    assert changed(BASE, (change,))['mixer']['sizes'] == [1, 2]


@pytest.mark.parametrize(
    'value', [{'a': None}, {'a': [1, {'b': object()}]}, {1: 2}, {'a': b'x'}, {'a': 1 + 2j}, {'a': math.nan}]
)
def test_plain_names_the_place_of_what_is_not_plain(value):
    with pytest.raises(ValueError, match=r'^here'):
        plain(value, 'here')

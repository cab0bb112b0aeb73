"""What arms change, in one line of words each, on the page too."""

import pytest
from simulated_study import read, small

from ablations.shapes import path
from ablations.spaces import linear, log
from ablations.study import Study, put, swap, task
from results.report.arm_changes import _changes, arm_changes
from results.report.page import report

CONV, WIDE = {'kind': 'depthwise_conv', 'kernel': 5}, {'kind': 'depthwise_conv', 'kernel': 9}
GATED = {'kind': 'gated', 'ratio': 2.0, 'bias': True}
NOT_CONV = 'not depthwise_conv'
CASES = {
    'another kind': (swap('norm', 'rms_norm'), 'norm rms_norm, not layer_norm'),
    'with fields': (swap('channel', 'gated', ratio=8 / 3), 'channel gated (ratio 2.667), not mlp'),
    'a value': (put('channel.ratio', 6), 'channel.ratio 6, not 4'),
    'a switch': (put('mixer.bias', False), 'mixer.bias off, not on'),
    'a list': (put('body.depths', [2, 1]), 'body.depths 2 1, not 1 1'),
    'two changes': ((swap('mixer', 'identity'), put('stem.patch', 4)), f'mixer identity, {NOT_CONV}; stem.patch 4, not 2'),
    'a whole model': (swap('body', 'plain', width=24), 'body plain (width 24), not hierarchical'),
    'layers': (
        put('body.stack', [{'at': 'first', 'mixer': CONV}, {'times': 2, 'stage': 1, 'shared': 'all'}, {'mixer': WIDE}]),
        'layers in turn: first mixer depthwise_conv (kernel 5), then stage 1 2 of as the base, one set of parameters, '
        'then mixer depthwise_conv (kernel 9)',
    ),
    'nothing': ((), 'nothing: the same model under another name'),
}


def study(**fields: object) -> Study:
    return Study(**{'name': 'mine', 'question': '?', 'tasks': ('digits',), **fields})


@pytest.mark.parametrize(('change', 'line'), CASES.values(), ids=CASES)
def test_a_change_is_told_in_a_line(change, line):
    assert arm_changes(study(arms={'base': (), 'arm': change}))['arm'] == line


def test_a_field_that_is_left_out_is_told_with_its_neutral_value():
    made = arm_changes(study(tasks=('recall',), arms={'base': (), 'gated': put('mixer.gate', True)}))
    assert made == {'gated': 'mixer.gate on, not off'}


def test_what_only_one_arm_tunes_is_told():
    own = {'erf': {'alpha0': log(0.1, 2.0)}}
    made = arm_changes(study(arms={'base': (), 'erf': swap('norm', 'dynamic_erf')}, own=own))
    assert made == {'erf': 'norm dynamic_erf, not layer_norm; tunes alpha0 too'}


def test_a_value_that_one_arm_tunes_and_another_has_is_told_as_tuned():
    shares = {
        'own': {'tuned': {'alpha0': log(0.1, 2.0), 'drop_path': linear(0.0, 0.5)}},
        'arm_fixed': {'base': {'alpha0': 0.5}},
    }
    with_erf = task('digits', base={**task('digits').base, 'norm': {'kind': 'dynamic_erf', 'alpha0': 0.5}})
    made = arm_changes(study(tasks=(with_erf,), arms={'base': (), 'tuned': (), 'again': ()}, **shares))
    assert made == {
        'tuned': 'alpha0 tuned, not 0.5; tunes drop_path too',
        'again': 'alpha0 the usual value, not 0.5',
    }


def test_a_step_is_told_beside_the_step_before_it():
    steps = {'base': (), 'rms': swap('norm', 'rms_norm'), 'wide': put('channel.ratio', 6.0)}
    assert arm_changes(study(**path(steps)))['wide'] == 'channel.ratio 6, not 4 (beside rms)'


def test_tasks_of_other_bases_are_told_together_where_they_can_be():
    other = task('digits', name='other', base={**task('digits').base, 'channel': GATED})
    arms = {'base': (), 'experts': swap('channel', 'mixture_of_experts'), 'gated': swap('channel', **GATED)}
    made = arm_changes(study(tasks=('digits', other), arms=arms))
    assert made['experts'] == 'channel mixture_of_experts'
    assert made['gated'] == 'on digits: channel gated (bias on, ratio 2), not mlp; on other: nothing'


def test_the_page_tells_it_under_each_arm_twice():
    html = report(*read(*small()), [])
    for line in arm_changes(small()[0]).values():
        assert html.count(f'<span class="changes">{line}</span>') == 1 and html.count(f'It changes {line}.') == 1


ENTRIES = {
    'one at a place': ([{'at': 'last', 'mixer': CONV}], 'last mixer depthwise_conv (kernel 5)'),
    'several of a stage': (
        [{'at': 'first', 'times': 3, 'stage': 2, 'mixer': CONV}],
        'stage 2 first 3 of mixer depthwise_conv (kernel 5)',
    ),
    'once is not said': ([{'times': 1, 'mixer': CONV}], 'mixer depthwise_conv (kernel 5)'),
    'in turn': ([{'times': 2, 'shared': 'turn'}], '2 of as the base, parameters shared in turn'),
    'two sockets': (
        [{'mixer': CONV, 'channel': GATED}],
        'mixer depthwise_conv (kernel 5) and channel gated (ratio 2, bias on)',
    ),
}


@pytest.mark.parametrize(('stack', 'line'), ENTRIES.values(), ids=ENTRIES)
def test_an_entry_of_a_stack_is_told_with_its_place(stack, line):
    (_, now, before), *others = _changes({'body': {'kind': 'x'}}, {'body': {'kind': 'x', 'stack': stack}})
    assert (now, before, others) == (f'in turn: {line}', '', [])
    ((_, back, _),) = _changes({'body': {'kind': 'x', 'stack': stack}}, {'body': {'kind': 'x', 'stack': []}})
    assert back == 'all alike'


@pytest.mark.parametrize(
    ('before', 'now', 'told'),
    [
        ({'a': 1}, {}, [('a', 'left out', '1')]),
        ({}, {'a': [1, 2.5]}, [('a', '1 2.5', '')]),
        ({'a': []}, {'a': [[]]}, [('a', 'none', 'none')]),
        ({'a': True}, {'a': False}, [('a', 'off', 'on')]),
        ({'a': {'kind': 'x', 'b': 1, 'c': 2}}, {'a': {'kind': 'x', 'b': 3, 'c': 2}}, [('a.b', '3', '1')]),
        ({'a': {'kind': 'x', 'b': 1}}, {'a': {'kind': 'y', 'b': 0.123456}}, [('a', 'y (b 0.1235)', 'x')]),
        ({'a': {'b': 1}}, {'a': {'b': 2}}, [('a.b', '2', '1')]),
        ({'a': {'kind': 'x'}}, {'a': 3}, [('a', '3', 'x')]),
        ({'b': 1, 'a': 1}, {'a': 2, 'b': 2}, [('a', '2', '1'), ('b', '2', '1')]),
        ({'a': 1}, {'a': 1}, []),
    ],
)
def test_what_differs_between_two_models(before, now, told):
    assert list(_changes(before, now)) == told

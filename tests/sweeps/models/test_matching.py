"""Matching sizes: near enough, by the lines that a study takes, and honest where nothing is near."""

import dataclasses
import functools

import pytest

from ablations.config import changed, put, swap
from ablations.tasks import TASKS, bases
from arch.cost import cost_of, multiply_adds, parameters
from arch.sockets import TABLES
from sweeps.models.describe import Sizes, subjects
from sweeps.models.matching import LARGEST, Ladder, Match, _nearest, _ratios, _widths, match, match_config, written

DIGITS, RECALL = (subjects(name, [], Sizes())[()] for name in ('digits', 'recall'))
# One block suffices: every candidate is traced, and what is looked for is a width or a ratio.
RECALL = dataclasses.replace(RECALL, config=changed(RECALL.config, [put('body.depth', 1)]))
ARMS = {
    'digits, convolution': (DIGITS, [swap('mixer', 'conv', kernel=3)]),
    'recall, convolution for attention': (RECALL, [swap('mixer', 'depthwise_conv', kernel=3)]),
    'recall, gates': (RECALL, [swap('channel', 'gated')]),
    'recall, wider': (RECALL, [put('body.width', 64)]),
}


@functools.cache
def matched(name: str, by: str) -> Match:
    """An arm of the table made as large as its base, by both knobs."""
    of, changes = ARMS[name]
    return match_config(of.config, changed(of.config, changes), of.x, by)


PAIRS = [(name, by) for name in ARMS for by in ('params', 'macs')]
FAST = {'recall, convolution for attention': 'macs'}


@pytest.mark.parametrize(
    ('name', 'by'), [pytest.param(*pair, marks=[] if pair in FAST.items() else pytest.mark.slow) for pair in PAIRS]
)
def test_an_arm_is_made_as_large_as_its_base(name, by):
    of, changes = ARMS[name]
    base, arm = of.config, changed(of.config, changes)
    match = matched(name, by)
    assert match.near and abs(match.off) <= 0.01
    count = {'params': parameters, 'macs': multiply_adds}[by]  # of `cost`, by test_cost
    assert count(arm, of.x) == match.before and abs(match.before / match.target - 1) > 0.01
    assert cost_of(match.config, of.x)[by] == match.after
    assert count(base, of.x) == match.target


def test_the_lines_make_the_config_in_a_study():
    match = matched('digits, convolution', 'params')
    pasted = [eval(line, {'put': put, 'swap': swap}) for line in match.lines()]
    assert changed(DIGITS.config, [swap('mixer', 'conv', kernel=3), *pasted]) == match.config
    widths = match.config['body']['widths']
    assert widths[1] == 2 * widths[0]


def test_the_ratio_alone_keeps_the_widths():
    base = RECALL.config
    arm = changed(base, [swap('channel', 'gated')])
    match = match_config(base, arm, RECALL.x, knob='ratio')
    assert match.near and match.config['body'] == base['body']
    (line,) = match.lines()
    assert line.startswith("swap('channel', 'gated', ratio=")


def test_the_width_alone_is_the_nearest_of_those_that_build():
    """Against every width: heads must divide it, so that most are refused."""
    base = bases.decoder(12, 6, 30, 1, {'kind': 'attention', 'heads': 5, 'biases': 'needed'}, 2.0)
    arm = changed(base, [swap('residual', 'layer_scale'), put('channel.ratio', 3.0)])
    match = match_config(base, arm, RECALL.x, knob='width', tolerance=1e-4)
    counts = {width: parameters(changed(arm, [put('body.width', width)]), RECALL.x) for width in range(20, 45, 5)}
    nearest = min(counts, key=lambda width: abs(counts[width] - match.target))
    assert match.config['body']['width'] == nearest and match.after == counts[nearest]
    assert not match.near and match.lines() == ([f"put('body.width', {nearest})"] if nearest != 30 else [])


def test_a_stem_with_a_width_of_its_own_goes_along():
    base = changed(TASKS['digits'].base, [put('stem.width', 8)])
    arm = changed(base, [swap('mixer', 'identity')])
    match = match_config(base, arm, DIGITS.x, knob='width', tolerance=0.2)
    assert match.near
    wide = match_config(changed(base, [put('body.widths', [32, 64])]), base, DIGITS.x, knob='width')
    assert wide.config['stem']['width'] == round(8 * wide.config['body']['widths'][0] / 16)


def test_a_bottleneck_is_tuned_by_its_own_ratio():
    base = changed(TASKS['digits'].base, [swap('block', 'bottleneck', ratio=0.5), swap('mixer', 'conv', kernel=3)])
    arm = changed(base, [put('mixer.kernel', 5)])
    match = match_config(base, arm, DIGITS.x, knob='ratio', tolerance=0.05)
    assert [line.partition(',')[0] for line in match.lines()] == ["put('block.ratio'"]
    assert abs(match.after - match.target) < abs(match.before - match.target)


def test_equal_models_need_nothing():
    match = match_config(RECALL.config, RECALL.config, RECALL.x)
    assert match.near and match.changes == () and match.config == RECALL.config


def test_nothing_near_is_said():
    arm = changed(DIGITS.config, [swap('mixer', 'conv', kernel=3)])
    match = match_config(DIGITS.config, arm, DIGITS.x, knob='width')
    assert not match.near and 0.01 < abs(match.off) < 0.1
    assert match.to_dict()['near'] is False


def test_arms_and_models_by_name():
    matching = match('quickstart/no_mixer', None, None, 'params', 0.01, 'both', [])
    assert list(matching) == ['no_mixer on digits', 'no_mixer on stdlib_bytes']
    assert matching['no_mixer on digits']['to'] == 'layer_norm on digits'
    assert all(made['near'] and made['changes'] for made in matching.values())
    (one,) = match('quickstart/no_mixer', 'rms_norm', 'digits', 'params', 0.02, 'both', []).values()
    assert one['to'] == 'rms_norm on digits'


@pytest.mark.slow
def test_published_models_are_matched_by_name():
    (tiny,) = match('vit_tiny_patch16_224', 'convnext_tiny', None, 'params', 0.05, 'width', []).values()
    assert tiny['near'] and tiny['target'] == 28_589_128 and tiny['config']['body']['width'] % 3 == 0


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (('quickstart', None, None, 'params', 0.01, 'both'), 'whole study'),
        (('gpt2', None, None, 'params', 0.01, 'both'), '--to'),
        (('quickstart/no_mixer', None, 'recall', 'params', 0.01, 'both'), "allowed: \\['digits', 'stdlib_bytes'\\]"),
        (('quickstart/no_mixer', None, 'digits', 'flops', 0.01, 'both'), "by='flops'; allowed: \\['params', 'macs'\\]"),
        (('quickstart/no_mixer', None, 'digits', 'params', 0.01, 'depth'), "knob='depth'"),
        (('quickstart/no_mixer', None, 'digits', 'params', 0, 'both'), 'tolerance=0'),
        (('quickstart/no_mixer', 'no_such', 'digits', 'params', 0.01, 'both'), "unknown model or study 'no_such'"),
        (('digits', 'quickstart/no_mixer', None, 'params', 0.01, 'both'), 'has no model for digits'),
    ],
)
def test_what_cannot_be_matched_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        match(*given, [])


def test_widths_that_are_not_written_out_are_asked_for():
    arm = changed(RECALL.config, [swap('body', 'isotropic', causal=True, depth=2)])
    with pytest.raises(ValueError, match=r'write body\.width'):
        match_config(RECALL.config, arm, RECALL.x)


def test_changes_are_written_as_studies_write_them():
    assert written(put('body.widths', [11, 22])) == "put('body.widths', [11, 22])"
    assert written(swap('channel', 'gated', ratio=1.5)) == "swap('channel', 'gated', ratio=1.5)"


BARE = changed(RECALL.config, [swap('channel', 'behind_short_conv')])


def test_a_model_without_hidden_channels_has_no_ratio_to_tune():
    arm = changed(BARE, [put('body.width', 64)])
    with pytest.raises(ValueError, match='match: this model has no ratio of hidden channels; use --knob width'):
        match_config(BARE, arm, RECALL.x, knob='ratio')


def test_how_far_off_a_match_may_be_counts_on_both_sides_and_at_the_bound():
    def near(after: int) -> bool:
        return Match('params', (), {}, 1000, 0, after, 0.25).near

    assert [after for after in (749, 750, 1000, 1250, 1251) if near(after)] == [750, 1000, 1250]
    assert Match('params', (), {}, 1000, 0, 900, 0.25).off == pytest.approx(-0.1)


def test_a_task_is_asked_for_of_arms_alone():
    with pytest.raises(ValueError, match=r"--task digits: 'gpt2' has no such task; allowed: none, leave it out"):
        match('gpt2', 'resnet50', 'digits', 'params', 0.01, 'both', [])


@pytest.mark.parametrize('tolerance', [0, 1, -0.1])
def test_a_tolerance_is_a_share(tolerance: float):
    with pytest.raises(ValueError, match=f'match: tolerance={tolerance}; allowed: above 0 and below 1'):
        match_config(BARE, BARE, RECALL.x, tolerance=tolerance)


@pytest.mark.parametrize(
    ('width', 'ratio', 'own', 'second'),
    [(3, 0.1, 1, 0.666667), (8, 4.0, 32, 0.25), (16, 2.6667, 43, 0.125), (7, 1.0, 7, 0.285714)],
)
def test_hidden_channels_are_tried_one_by_one_from_those_of_the_ratio(width: int, ratio: float, own: int, second: float):
    config = {'block': {'kind': 'two_branch'}, 'channel': {'kind': 'mlp', 'ratio': ratio}, 'body': {'width': width}}
    ladder = _ratios(config, TABLES)
    assert (ladder.own, ladder.top) == (own, LARGEST * own)
    assert ladder.changes(2) == (put('channel.ratio', second),)
    unsaid = _ratios({**config, 'channel': {'kind': 'mlp'}}, TABLES)
    assert unsaid.changes(2) == (swap('channel', 'mlp', ratio=second),) and unsaid.own == 4 * width


def test_widths_are_tried_by_one_factor_for_all_of_them():
    config = {'body': {'kind': 'hierarchical', 'widths': [4, 8]}, 'stem': {'kind': 'patchify', 'width': 1}}
    ladder = _widths(config)
    assert (ladder.own, ladder.top) == (4, 4 * LARGEST)
    assert ladder.changes(1) == (put('body.widths', [1, 2]), put('stem.width', 1)), 'a stem has one channel at least'
    assert ladder.changes(12) == (put('body.widths', [12, 24]), put('stem.width', 3))
    assert _widths({'body': {'kind': 'isotropic', 'width': 6}, 'stem': {'kind': 'tokens'}}).changes(5) == (
        put('body.width', 5),
    )


@pytest.mark.parametrize('target', [900, 17, 16, 3, 1023])
@pytest.mark.parametrize('step', [1, 7])
def test_a_rung_is_found_in_few_trials_though_some_do_not_build(target: int, step: int):
    """A model of so many numbers as the square of its width, which builds at multiples of a number only."""
    asked = []

    def at(config: dict) -> int:
        asked.append(config['body']['width'])
        if asked[-1] % step:
            raise ValueError('heads do not divide it')
        return asked[-1] ** 2

    arm = {'body': {'kind': 'isotropic', 'width': 16, 'depth': 1}}
    ladder = Ladder(16, 64 * 16, lambda rung: (put('body.width', rung),))
    (*before, change) = _nearest(arm, (put('body.depth', 2),), ladder, at, target**2)
    sound = range(step, 64 * 16 + 1, step)
    assert before == [put('body.depth', 2)] and change == put('body.width', min(sound, key=lambda one: abs(one**2 - target**2)))
    assert len(asked) == len(set(asked)) <= 14 * step

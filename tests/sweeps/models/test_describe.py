"""Costs by name, two models side by side, and drawings."""

import dataclasses
import functools
import json
import re

import jax
import jax.numpy as jnp
import pytest

from ablations.config import changed, put, swap
from ablations.tasks import TASKS
from arch.cost import parameters
from arch.published import MODELS
from arch.sockets import TABLES, load_tables
from sweeps.models.check import check_file
from sweeps.models.describe import COUNTS, Sizes, Subject, compare, describe, refuse_settings, study_and_arm, subjects
from sweeps.models.drawing import drawing, parts
from sweeps.models.listing import listing
from sweeps.models.specs import differences, values


@functools.cache
def cost(what: str, batch: int | None = None, image_size: int | None = None, length: int | None = None) -> dict:
    return describe(what, [], batch, image_size, length)


def test_a_published_model_counts_what_its_paper_says():
    counts = cost('convnext_tiny')
    assert counts['params'] == 28_589_128
    assert counts['macs'] == pytest.approx(4.46e9, rel=2e-3)
    assert counts['params_by_part']['stem'] == 4 * 4 * 3 * 96 + 96 + 2 * 96
    assert len([part for part in counts['params_by_part'] if part.startswith('block_')]) == 18


def test_sizes_are_those_asked_for():
    once, four = cost('digits', batch=1), cost('digits', batch=4)
    assert (four['flops'], four['macs']) == (4 * once['flops'], once['macs'])
    small, large = cost('digits'), cost('digits', image_size=16)
    assert large['params'] == small['params'] and large['macs_by_part']['block_0'] == 4 * small['macs_by_part']['block_0']
    assert cost('recall', length=3)['macs'] < cost('recall')['macs'] / 2


@pytest.mark.parametrize(
    ('what', 'sizes', 'message'),
    [
        ('gpt2', {'length': 2048}, 'gpt2: position .learned.: the input has 2048 positions'),
        ('gpt2', {'image_size': 8}, "'gpt2' has no images"),
        ('resnet50', {'length': 8}, "'resnet50' has no sequences"),
        ('resnet50', {'batch': 0}, '--batch 0; allowed: 1 or more'),
        ('convnext_tini', {}, "Did you mean 'convnext_tiny'"),
        ('quickstart/no_mixr', {}, "no arm 'no_mixr'"),
    ],
)
def test_what_cannot_be_described_is_refused(what, sizes, message):
    with pytest.raises(ValueError, match=message):
        cost(what, **sizes)


def test_what_nobody_could_train_is_refused():
    config = changed(TASKS['digits'].base, (put('channel.ratio', 1e300),))
    slip = dataclasses.replace(subjects('digits', [], Sizes())[()], name='wide on digits', config=config)
    with pytest.raises(ValueError, match=r'^wide on digits: it has 1e\+300 parameters; allowed: up to 1e\+12; make it smaller'):
        slip.cost()


def test_studies_and_arms_are_nested_as_they_were():
    assert set(cost('quickstart/no_mixer')) == {'digits', 'stdlib_bytes'}
    study = cost('quickstart')
    assert study['no_mixer']['digits'] == cost('quickstart/no_mixer')['digits']


def test_two_arms_side_by_side_name_what_differs_and_only_that():
    pairs = compare('quickstart/layer_norm', 'quickstart/no_mixer', [], Sizes())
    assert [pair['a']['name'] for pair in pairs] == ['layer_norm on digits', 'layer_norm on stdlib_bytes']
    digits = pairs[0]
    assert [row['path'] for row in digits['differences']] == ['mixer.kind', 'mixer.kernel', 'mixer.bias']
    assert digits['differences'][0] == {'path': 'mixer.kind', 'a': 'depthwise_conv', 'b': 'identity'}
    assert digits['differences'][1]['b'] is None
    assert digits['params']['ratio'] == digits['params']['b'] / digits['params']['a']
    assert digits['params_by_role']['conv'] == {'a': 288, 'b': 0, 'ratio': 0.0}
    assert digits['macs_by_role']['matrix']['ratio'] == 1.0 and digits['note'] == ''
    json.dumps(pairs, allow_nan=False)


def test_models_at_inputs_of_their_own_say_so():
    (pair,) = compare('digits', 'recall', [], Sizes())
    assert pair['note'] == 'each at an input of its own'
    assert (pair['a']['input'], pair['b']['input']) == ([8, 8, 1], [6])
    assert pair['params']['a'] == cost('digits')['params'] and pair['macs']['b'] == cost('recall')['macs']


def test_a_model_against_an_arm_is_put_beside_every_task():
    pairs = compare('digits', 'quickstart/no_mixer', [], Sizes())
    assert [pair['b']['name'] for pair in pairs] == ['no_mixer on digits', 'no_mixer on stdlib_bytes']


def test_a_whole_study_is_not_compared():
    with pytest.raises(ValueError, match='quickstart/ARM'):
        compare('digits', 'quickstart', [], Sizes())


def test_a_value_that_is_absent_is_not_one_that_is_none():
    assert differences({'norm.scale': None}, {}) == [{'path': 'norm.scale', 'a': None, 'b': None}]
    assert differences({'norm.scale': None}, {'norm.scale': None}) == []


def test_a_value_left_out_equals_its_default_written_out():
    base = TASKS['digits'].base
    short = changed(base, [swap('norm', 'layer_norm')])
    assert base['norm'] != short['norm']
    assert differences(values(base, TABLES), values(short, TABLES)) == []
    other = changed(base, [swap('norm', 'layer_norm', eps=1e-3)])
    assert differences(values(base, TABLES), values(other, TABLES)) == [{'path': 'norm.eps', 'a': 1e-6, 'b': 1e-3}]


def test_models_are_listed_with_their_papers():
    models = listing('models')
    assert set(models) == {*TASKS, *MODELS}
    assert models['resnet50']['paper'] == '1512.03385' and all(row['about'] for row in models.values())


def subject_of(name: str) -> Subject:
    (subject,) = subjects(name, [], Sizes()).values()
    return subject


@functools.cache
def lines_of(name: str) -> list[str]:
    return drawing(subject_of(name))


def test_a_drawing_goes_through_the_model_in_its_order():
    lines = lines_of('digits')
    assert [line.split('  ')[0].strip() for line in lines[2:8]] == ['input', 'stem', '1 x block', '', '', '']
    assert [line.split()[0] for line in lines[4:9]] == ['1', 'mixer', 'norm', 'channel', 'residual']
    assert lines[3].split() == ['stem', 'patchify_norm', 'patch=2', 'with', 'layer_norm', '[4,', '4,', '16]', '112']
    assert lines[7].split() == ['channel', 'mlp', 'ratio=4', 'with', 'gelu', '2,128']
    assert lines[-1].split() == ['in', 'all', f'{cost("digits")["params"]:,}']


def check_drawing(subject: Subject) -> None:
    assert all(len(line) <= 100 and line.isascii() for line in drawing(subject)[1:])
    tree = parts(subject)
    assert sum(part['times'] * part['params'] for part in tree) == parameters(subject.config, subject.x)
    body = subject.config['body']
    depth = sum(body['depths']) if 'depths' in body else body['depth']
    assert sum(part['times'] for part in tree if part['socket'] == 'block') == depth
    assert tree[-1]['socket'] == 'head' and tree[0]['socket'] == 'stem'
    json.dumps(tree, allow_nan=False)


HIERARCHICAL = ('convnext_tiny', 'resnet50', 'swin_tiny_patch4_window7_224')


@pytest.mark.parametrize('name', HIERARCHICAL)
def test_a_drawing_of_two_stages_is_plain_narrow_and_adds_up(name):
    """Of a published model cut down to a stage of two blocks and one of one."""
    subject = subject_of(name)
    widths = subject.config['body']['widths'][:2]
    cut = changed(subject.config, [put('body.depths', [2, 1]), put('body.widths', widths)])
    check_drawing(dataclasses.replace(subject, config=cut))


@pytest.mark.parametrize('name', ['gpt2', 'recall', *(pytest.param(name, marks=pytest.mark.slow) for name in HIERARCHICAL)])
def test_a_drawing_is_plain_narrow_and_adds_up(name):
    check_drawing(subject_of(name))


def test_repeated_blocks_are_drawn_once_and_unlike_ones_apart():
    assert sum(line.startswith('12 x block') for line in lines_of('gpt2')) == 1
    rows = [line.split()[0] for line in lines_of('resnet50') if ' x block' in line]
    assert rows == ['1', '2', '1', '3', '1', '5', '1', '2']


def test_norms_stand_where_the_residual_rule_puts_them():
    task = TASKS['recall']
    (subject,) = subjects('recall', [], Sizes()).values()
    post = {**task.base, 'residual': {'kind': 'post'}}
    order = [part['name'] for part in parts(type(subject)('post', post, subject.x, subject.tables))[2]['inside']]
    assert order.index('mixer') < order.index('norm_mixer') < order.index('residual_mixer') < order.index('channel')
    pre = [part['name'] for part in parts(subject)[2]['inside']]
    assert pre.index('norm_mixer') < pre.index('mixer') < pre.index('residual_mixer')


def test_costs_have_every_count():
    assert set(COUNTS) <= set(cost('digits'))


def test_settings_of_what_is_no_study_are_refused():
    refuse_settings(['trials=2'], 'gpt2', 'quickstart/no_mixer')
    refuse_settings([], 'gpt2', None)
    with pytest.raises(ValueError, match=r"--set body.width=8 changes a study, and 'gpt2' and 'digits' is none"):
        refuse_settings(['body.width=8'], 'gpt2', 'digits')


def test_a_block_file_that_adds_no_kind_is_refused(tmp_path):
    (tmp_path / 'blocks.py').write_text('NORMS = {}')
    with pytest.raises(ValueError, match=r'blocks.py adds no kind'):
        check_file(tmp_path / 'blocks.py')


BLOCK = '''
from arch.block import Norm
class Mine(Norm):
    """Mine. `[..., C] -> [..., C]`"""
    def __call__(self, x, context):
        raise {error}
NORMS = {{'mine': Mine}}
'''


@pytest.mark.parametrize(
    ('error', 'said'),
    [("RuntimeError('x')", 'RuntimeError: x'), ('KeyboardInterrupt', 'it raises KeyboardInterrupt, which')],
)
def test_what_a_block_of_a_users_own_raises_is_told_with_the_name_of_the_arm(tmp_path, error, said):
    (tmp_path / 'blocks.py').write_text(BLOCK.format(error=error))
    tables = load_tables(str(tmp_path / 'blocks.py'))
    config = changed(TASKS['digits'].base, (swap('norm', 'mine'),))
    mine = Subject('mine on digits', config, jax.ShapeDtypeStruct((1, 8, 8, 1), jnp.float32), tables)
    for use in (mine.cost, lambda: parts(mine)):
        with pytest.raises(ValueError, match=rf'mine on digits: {said}.*; see `archlab check`'):
            use()
    why = {contract['why'] for contract in check_file(tmp_path / 'blocks.py')['norm mine'] if not contract['holds']}
    assert len(why) == 1 and said in why.pop()


def test_what_a_block_of_the_labs_own_raises_is_a_mistake_of_ours(monkeypatch):
    subject = subjects('digits', [], Sizes())[()]
    monkeypatch.setattr('sweeps.models.describe.cost_of', lambda *_: {}['x'])
    with pytest.raises(KeyError):
        subject.cost()


def test_stacks_differ_entry_by_entry():
    base = TASKS['recall'].base
    stacks = [[{'times': 2}, {'mixer': {'kind': 'pool', 'window': 3}}], [{'times': 2}, {'mixer': {'kind': 'identity'}}]]
    one, other = ({**base, 'body': {**base['body'], 'stack': stack}} for stack in stacks)
    unlike = differences(values(one, TABLES), values(other, TABLES))
    assert unlike == [{'path': 'body.stack.1.mixer', 'a': 'pool window=3', 'b': 'identity'}]
    assert differences(values(base, TABLES), values({**base, 'body': {**base['body'], 'stack': []}}, TABLES)) == []


def test_training_costs_what_a_shorter_lesson_costs_and_the_model_is_the_whole_one():
    whole = subject_of('recall')
    taught = dataclasses.replace(whole, lesson=jax.ShapeDtypeStruct((whole.x.shape[0], 3), whole.x.dtype)).cost()
    assert taught['flops'] == cost('recall', length=3)['flops'] < cost('recall')['flops']
    assert (taught['params'], taught['macs']) == (cost('recall')['params'], cost('recall')['macs'])


@pytest.mark.parametrize(
    ('x', 'note'),
    [
        (((4, 8, 8, 1), jnp.float32), ''),
        (((4, 9, 8, 1), jnp.float32), 'each at an input of its own'),
        (((4, 8, 8, 1), jnp.uint8), 'each at an input of its own'),
        (((5, 8, 8, 1), jnp.float32), 'each at a batch of its own'),
        (((5, 9, 8, 1), jnp.float32), 'each at an input of its own'),
    ],
)
def test_sides_say_what_they_do_not_share(monkeypatch, x: tuple, note: str):
    monkeypatch.setattr(Subject, 'cost', lambda self: dict.fromkeys(COUNTS, self.x.shape[0] - 4))
    one = Subject('one', TASKS['digits'].base, jax.ShapeDtypeStruct((4, 8, 8, 1), jnp.float32), TABLES)
    monkeypatch.setattr('sweeps.models.describe.subjects', lambda name, *_: {(): one if name == 'one' else other})
    other = dataclasses.replace(one, name='other', x=jax.ShapeDtypeStruct(*x))
    (pair,) = compare('one', 'other', [], Sizes())
    assert pair['note'] == note and pair['a'] == {'name': 'one', 'input': [8, 8, 1], 'batch': 4}
    assert pair['b'] == {'name': 'other', 'input': list(x[0][1:]), 'batch': x[0][0]}
    # Of nothing there is no multiple.
    assert pair['params'] == {'a': 0, 'b': x[0][0] - 4, 'ratio': None} and 'params_by_role' not in pair


OTHER = "from ablations.study import Study\nstudy = Study(name='other', question='?', arms={'base': ()}, tasks=('recall',))\n"


def test_arms_of_studies_without_a_common_task_are_not_compared(tmp_path):
    (tmp_path / 'other.py').write_text(OTHER)
    with pytest.raises(
        ValueError, match=r"'quickstart/no_mixer' and '.*other.py/base' have no task in common; compare arms of"
    ):
        compare('quickstart/no_mixer', f'{tmp_path}/other.py/base', [], Sizes())


def test_what_stands_before_the_last_slash_is_a_study_unless_it_is_a_file(tmp_path):
    (tmp_path / 'other.py').write_text(OTHER)
    file = str(tmp_path / 'other.py')
    for what, name, arm in (
        ('quickstart', 'quickstart', ''),
        ('quickstart/no_mixer', 'quickstart', 'no_mixer'),
        (file, 'other', ''),
        (f'{file}/base', 'other', 'base'),
    ):
        study, told = study_and_arm(what, ['trials=7'])
        assert (study.name, told, study.trials) == (name, arm, 7)


@pytest.mark.parametrize('name', ['--batch', '--image-size', '--length'])
def test_sizes_have_bounds(name: str):
    field = name.strip('-').replace('-', '_')
    for fine in (None, 1, 10**9):
        Sizes(**{field: fine})
    for bad in (0, 10**9 + 1):
        with pytest.raises(ValueError, match=f'^{name} {bad}; allowed: 1 or more, up to 1,000,000,000'):
            Sizes(**{field: bad})


def test_sizes_stand_in_place_of_the_models_own():
    assert Sizes().input('m', (8, 6, 3), 'float32', 5).shape == (5, 8, 6, 3)
    assert Sizes(batch=2, image_size=4).input('m', (8, 6, 3), 'float32', 5).shape == (2, 4, 4, 3)
    assert Sizes(length=4).input('m', (8,), 'int32', 5).shape == (5, 4)
    gpt2, resnet = subject_of('gpt2').x, subject_of('resnet50').x
    assert (gpt2.shape[0], gpt2.dtype, resnet.shape[0], resnet.dtype) == (1, jnp.int32, 1, jnp.float32)


def test_sides_are_compared_role_by_role_where_both_have_any(monkeypatch):
    """A role that neither side has is left out; of nothing there is no multiple."""
    roles = {'one': {'matrix': 2, 'vector': 0}, 'other': {'matrix': 5, 'vector': 0, 'head': 3}}

    def cost(self: Subject) -> dict:
        return {**dict.fromkeys(COUNTS, 10 * len(roles[self.name])), 'params_by_role': roles[self.name]}

    monkeypatch.setattr(Subject, 'cost', cost)
    one = Subject('one', TASKS['digits'].base, jax.ShapeDtypeStruct((4, 8, 8, 1), jnp.float32), TABLES)
    monkeypatch.setattr(
        'sweeps.models.describe.subjects', lambda name, *_: {(): dataclasses.replace(one, name=name)} if name in roles else {}
    )
    (pair,) = compare('one', 'other', [], Sizes())
    assert {name: pair[name] for name in pair if name not in ('a', 'b')} == {
        **{'note': '', 'differences': []},
        **{name: {'a': 20, 'b': 30, 'ratio': 1.5} for name in COUNTS},
        'params_by_role': {'matrix': {'a': 2, 'b': 5, 'ratio': 2.5}, 'head': {'a': 0, 'b': 3, 'ratio': None}},
    }


@pytest.mark.parametrize(
    ('params', 'said'), [(10**12, ''), (10**12 + 1, 'digits: it has 1e+12 parameters; allowed: up to 1e+12')]
)
def test_a_model_may_have_as_many_parameters_as_anybody_trains(monkeypatch, params: int, said: str):
    subject = subjects('digits', [], Sizes())[()]
    monkeypatch.setattr('sweeps.models.describe.cost_of', lambda *_: {'params': params})
    if not said:
        assert subject.cost() == {'params': params}
        return
    with pytest.raises(ValueError, match=re.escape(said)):
        subject.cost()

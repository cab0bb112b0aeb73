"""Tensors of a reference: their names in plain form, their layout in ours, and what is told of those that do not fit."""

import fcntl
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from reference_tensors import CASES
from safetensors.numpy import save_file

from arch.published import convnext, deit3, gpt2, llama, metaformer_baselines, resnet, swin, swin_v2, vit
from arch.published.importing import read_tensors, save_weights, unwrapped
from arch.published.tensors import Tensors
from arch.published.timm_names import MARK, by_transformers_names
from arch.published.weight_map import dense, hidden_channels, image_channels, plain_names


def counted(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def test_kernels_are_turned_to_inputs_first_and_channels_last():
    given = Tensors({'a': counted(2, 3), 'b': counted(2, 3, 4, 4), 'c': counted(5, 1, 3, 3)})
    assert (given.linear('a', 3, 2) == counted(2, 3).T).all()
    kernel = given.convolution('b', 4, 3, 2)
    assert kernel.shape == (4, 4, 3, 2) and kernel[1, 2, 0, 1] == counted(2, 3, 4, 4)[1, 0, 1, 2]
    assert (given.patches('b', 4, 3, 2) == kernel.reshape(48, 2)).all()
    filters = given.depthwise('c', 3, 5)
    assert filters.shape == (3, 3, 5) and filters[0, 2, 4] == counted(5, 1, 3, 3)[4, 0, 0, 2]
    given.finish('a model')


def test_all_that_does_not_fit_is_told_in_one_sentence():
    many = {f'more.{number}': np.zeros(1, np.float32) for number in range(8)}
    given = Tensors({'a': np.zeros((2, 3), np.float32), 'b': np.zeros(2, np.int8), 'c.step': np.zeros(1), **many}, ('.step',))
    assert given.take('a', (3, 2)).tolist() == np.zeros((3, 2)).tolist() and given.take('gone', (1,)).tolist() == [0]
    assert given.take('b', (2,)).dtype == np.float32
    with pytest.raises(ValueError) as refused:
        given.finish('a ViT of 2 layers')
    assert str(refused.value) == (
        'the tensors given are not those of a ViT of 2 layers: 1 missing: gone; 2 of another shape or type: a is [2, 3], '
        'wanted [3, 2], b is int8, wanted floats: quantised weights are not read; 8 not used: more.0, more.1, more.2, more.3, '
        'more.4, more.5 and 2 more; give the whole state dict of that model, or a config of the same widths, depths and kinds'
    )


def test_as_many_names_as_are_shown_have_no_more_behind_them():
    with pytest.raises(ValueError, match='6 not used: 0, 1, 2, 3, 4, 5; give'):
        Tensors({str(number): np.zeros(1) for number in range(6)}).finish('a model')


def test_what_no_config_says_is_read_from_the_tensors():
    given = Tensors({'stem': counted(4, 1, 2, 2), 'bias': counted(4)})
    assert (given.size('stem', 1, 3), given.size('bias', 1, 3), given.size('gone', 1, 3)) == (1, 3, 3)
    assert [image_channels(given.tensors, name) for name in ('stem', 'bias', 'gone')] == [1, 3, 3]
    assert [hidden_channels({'channel': {'ratio': ratio}}, 6) for ratio in (0.01, 0.25, 8 / 3)] == [1, 2, 16]


def test_a_product_has_a_bias_where_it_is_asked_for():
    given = Tensors({'up.weight': counted(2, 3), 'up.bias': counted(2)})
    assert set(dense(given, 'up', 3, 2, bias=False)) == {'kernel'} and given.left == {'up.bias'}
    made = dense(given, 'up', 3, 2)
    assert (made['kernel'] == counted(2, 3).T).all() and made['bias'].tolist() == [0, 1]


def test_names_lose_the_prefix_once_and_older_parts_are_replaced_in_order():
    older = {'self.query': 'q', 'output.dense': 'o'}
    named = plain_names({'vit.vit.self.query': 1, 'output.dense.bias': 2}, 'vit.', older)
    assert named == {'vit.q': 1, 'o.bias': 2}
    with pytest.raises(ValueError, match=r"hold both 'q\.w' and 'vit\.self\.query\.w', two names of one tensor"):
        plain_names({'q.w': 1, 'vit.self.query.w': 2}, 'vit.', older)


def test_joint_queries_keys_and_values_are_taken_apart_where_they_are_three():
    given = {
        MARK: counted(1),
        'blocks.0.attn.qkv.weight': counted(6, 2),
        'a.attn.qkv.bias': counted(4),
        'norm.bias': counted(2),
    }
    given |= {'b.attn.qkv.scale': np.float32(1), 'head.fc.weight': counted(3), 'head.bias': counted(1)}
    named = by_transformers_names(given, ((r'^blocks', 'layers'),))
    assert (named['layers.0.attention.v_proj.weight'] == counted(6, 2)[4:]).all()
    assert (named['layers.0.attention.q_proj.weight'] == counted(6, 2)[:2]).all()
    rest = set(named) - {f'layers.0.attention.{part}_proj.weight' for part in 'qkv'}
    assert rest == {
        *('embeddings.patch_embeddings.projection.weight', 'a.attn.qkv.bias', 'b.attn.qkv.scale'),
        *('layernorm.bias', 'classifier.weight', 'classifier.bias'),
    }
    others = {'norm.bias': counted(2)}
    assert by_transformers_names(others, ()) is others


def test_names_of_a_wrapped_model_lose_its_prefixes_only_where_all_have_them():
    mixed = {'module.a': 1, 'b': 2}
    assert unwrapped(mixed) == mixed and unwrapped({}) == {}
    assert unwrapped({'module.a': 1, 'module.module.b': 2}) == {'a': 1, 'module.b': 2}


def test_downsamples_of_newer_files_are_counted_to_the_stage_before():
    newer = {'encoder.layers.1.downsample.reduction.weight': 1, 'encoder.layers.1.blocks.0.bias': 2}
    older = {'encoder.layers.0.downsample.reduction.weight': 1, 'encoder.layers.1.blocks.0.bias': 2}
    assert swin.merging_before(newer) == older == swin.merging_before(older)


@pytest.mark.parametrize(('depths', 'fine'), [([2, 4, 3], True), ([1], True), ([3, 2], False), ([2, 1, 2], False)])
def test_stages_of_a_swin_but_the_last_have_an_even_number_of_blocks(depths, fine):
    if fine:
        swin.check_depths(depths, 'Swin')
    else:
        with pytest.raises(ValueError, match=r'of Swin .* depths=\[.*\] are given, allowed are even ones but for the last'):
            swin.check_depths(depths, 'Swin')


def test_rows_first_swaps_rows_and_columns_of_every_patch():
    assert swin.rows_first(np.arange(18).reshape(9, 2), 3)[:, 0].tolist() == [0, 6, 12, 2, 8, 14, 4, 10, 16]


@pytest.mark.parametrize('text', ['[]', '{', '{"weight_map": 3}', '{"weight_map": {"a": 3}}', '{}'])
def test_an_index_without_a_map_of_tensors_to_files_is_refused(tmp_path, text):
    index = tmp_path / 'model.safetensors.index.json'
    index.write_text(text)
    with pytest.raises(ValueError, match=r"is no index of \.safetensors files: it has no 'weight_map' of tensors to files"):
        read_tensors(index)


def test_an_index_names_the_files_beside_it_each_once(tmp_path):
    for file, name in (('one', 'a'), ('two', 'b')):
        save_file({name: counted(2)}, tmp_path / f'{file}.safetensors')
    index = tmp_path / 'index.json'
    index.write_text(json.dumps({'weight_map': {'a': 'one.safetensors', 'b': 'two.safetensors', 'c': 'one.safetensors'}}))
    assert {name: part.tolist() for name, part in read_tensors(index).items()} == {'a': [0, 1], 'b': [0, 1]}


def test_a_file_is_whole_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """It is held while it is written, so that nobody takes it for what a killed process left."""
    said, file, fsync = [], tmp_path / 'weights.safetensors', os.fsync

    def synced(handle: int) -> None:
        said.append((os.fstat(handle).st_size, file.exists()))
        fsync(handle)

    monkeypatch.setattr(os, 'fsync', synced)
    monkeypatch.setattr(fcntl, 'flock', lambda held, how: said.append((Path(held.name).name.rpartition('-')[0], how)))
    save_weights(file, {'head': {'bias': np.ones(3, np.float32)}}, {})
    held, whole, folder = said
    assert held == ('.weights.safetensors.aside', fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert whole == (file.stat().st_size, False) and folder[1]
    assert list(tmp_path.iterdir()) == [file]


OF_OTHERS = {
    'vit': (vit.from_transformers, CASES['vit'][0], 'ViTForImageClassification of 2 layers of width 8'),
    'gpt2': (gpt2.from_transformers, CASES['gpt2'][0], 'GPT2LMHeadModel of 2 layers of width 8'),
    'llama': (llama.from_transformers, CASES['llama'][0], 'LlamaForCausalLM of 2 layers of width 8'),
    'swin': (swin.from_transformers, CASES['swin'][0], 'SwinForImageClassification of [2, 2] blocks of widths [8, 16]'),
    'swinv2': (
        swin_v2.from_transformers,
        CASES['swinv2'][0],
        'Swinv2ForImageClassification of [2, 2] blocks of widths [8, 16]',
    ),
    'deit3': (deit3.from_timm, deit3.deit3(3, 8, 4, 8, 2, 2), f'{deit3.REFERENCE} of 2 layers of width 8'),
    'resnet': (resnet.weights, resnet.resnet([8, 16], [1, 2], 4, 3), 'a ResNet of widths [8, 16] and depths [1, 2]'),
    'convnext': (convnext.weights, convnext.convnext([8, 16], [1, 2], 3), 'a ConvNeXt of widths [8, 16] and depths [1, 2]'),
    'convformer': (
        metaformer_baselines.from_timm,
        metaformer_baselines.convformer([1, 1, 1, 1], [4, 4, 4, 4]),
        f'{metaformer_baselines.REFERENCE} of [1, 1, 1, 1] blocks of widths [4, 4, 4, 4]',
    ),
}


@pytest.mark.parametrize('name', OF_OTHERS)
def test_tensors_of_another_model_are_told_from_those_of_this_one(name):
    weights, config, about = OF_OTHERS[name]
    with pytest.raises(ValueError, match=re.escape(f'the tensors given are not those of {about}: ')) as said:
        weights(config, {'other.weight': counted(2)})
    assert '; 1 not used: other.weight; give the whole state dict of that model, or ' in str(said.value)


def test_a_config_of_another_kind_is_told_the_model():
    other = {**resnet.resnet([8], [1], 4, 3), 'norm': {'kind': 'layer_norm'}}
    with pytest.raises(ValueError, match="the weights of a ResNet with blocks of kind bottleneck are for norm 'batch_norm', "):
        resnet.weights(other, {})
    other = {**convnext.convnext([8], [1], 3), 'norm': {'kind': 'rms_norm'}}
    with pytest.raises(ValueError, match="the weights of a ConvNeXt are for norm 'layer_norm', the config has 'rms_norm'; "):
        convnext.weights(other, {})

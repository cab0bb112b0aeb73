"""Importing weights: files of the reference's tensors to our parameters and back from a file of ours; no torch needed."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference_tensors import CASES, tensors
from safetensors.numpy import load_file, save_file

import archlab
from arch.depth import stacked
from arch.model import build
from arch.model_sockets import Sockets
from arch.published import MODELS
from arch.published.importing import import_weights, load_weights, save_weights
from arch.published.published import Published
from arch.sockets import TABLES


def drawn(config: dict, example: tuple[int, ...]) -> tuple[dict, dict]:
    model, kind = build(config), jnp.int32 if len(example) == 1 else jnp.float32
    return jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, *example), kind), {}))


def with_body(config: dict, **fields: object) -> dict:
    return {**config, 'body': {**config['body'], **fields}}


def shapes(tree: dict) -> dict:
    return jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), tree)


def same(one: dict, other: dict) -> bool:
    return jax.tree.structure(one) == jax.tree.structure(other) and all(
        np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    )


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Tiny models under names such as 'tiny_vit'."""
    for family, (config, _, example, weights) in CASES.items():
        monkeypatch.setitem(MODELS, f'tiny_{family}', Published(config, example, '0000.00000', 'tiny', weights))
    config, _, example, _ = CASES['vit']
    monkeypatch.setitem(MODELS, 'tiny_without', Published(config, example, '0000.00000', 'no reference has weights'))


@pytest.mark.parametrize('family', CASES)
@pytest.mark.parametrize('way', ['loop', 'scan'])
def test_parameters_have_the_form_that_init_gives(family, way):
    config, _, example, weights = CASES[family]
    config = with_body(config, over_depth=way)
    params, state = weights(config, tensors(family))
    wanted, wanted_state = drawn(config, example)
    assert shapes(params) == shapes(wanted) and state == wanted_state


@pytest.mark.parametrize('family', CASES)
def test_every_number_arrives_once(family):
    """In a loop and in a scan, by names with and without the model's prefix."""
    config, _, _, weights = CASES[family]
    given = tensors(family)
    params, _ = weights(config, given)
    before = np.sort(np.concatenate([tensor.ravel() for tensor in given.values()]))
    after = np.sort(np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(params)]))
    assert np.array_equal(before, after)
    prefixes = ('vit.', 'transformer.', 'model.', 'swin.', 'swinv2.')
    bare = {name[name.index('.') + 1 :] if name.startswith(prefixes) else name: tensor for name, tensor in given.items()}
    assert same(weights(config, bare)[0], params)
    numbers = Sockets(config, TABLES).make('body', name=None).blocks()
    assert same(weights(with_body(config, over_depth='scan'), given)[0], stacked(params, numbers))


OLDER = {
    'vit': {
        'vit.layers.': 'vit.encoder.layer.',
        'attention.q_proj': 'attention.attention.query',
        'attention.k_proj': 'attention.attention.key',
        'attention.v_proj': 'attention.attention.value',
        'attention.o_proj': 'attention.output.dense',
        'mlp.fc1': 'intermediate.dense',
        'mlp.fc2': 'output.dense',
    },
    'swin': {
        'attention.q_proj': 'attention.self.query',
        'attention.k_proj': 'attention.self.key',
        'attention.v_proj': 'attention.self.value',
        'attention.relative_position_bias.relative_position_bias_table': 'attention.self.relative_position_bias_table',
        'attention.o_proj': 'attention.output.dense',
        'mlp.fc1': 'intermediate.dense',
        'mlp.fc2': 'output.dense',
    },
    'swinv2': {
        'attention.q_proj': 'attention.self.query',
        'attention.k_proj': 'attention.self.key',
        'attention.v_proj': 'attention.self.value',
        'attention.logit_scale': 'attention.self.logit_scale',
        'attention.continuous_position_bias_mlp': 'attention.self.continuous_position_bias_mlp',
        'attention.o_proj': 'attention.output.dense',
        'mlp.fc1': 'intermediate.dense',
        'mlp.fc2': 'output.dense',
    },
}
BUFFERS = {
    'vit': {},
    'gpt2': {'transformer.h.0.attn.bias': np.tri(6)[None, None], 'transformer.h.1.attn.masked_bias': np.array(-1e4)},
    'llama': {'model.layers.1.self_attn.rotary_emb.inv_freq': np.ones(1, np.float32)},
    'swin': {'swin.encoder.layers.1.blocks.0.attention.self.relative_position_index': np.zeros((4, 4), np.int64)},
    'swinv2': {'swinv2.encoder.layers.1.blocks.0.attention.self.relative_coords_table': np.zeros((1, 3, 3, 2), np.float32)},
}


@pytest.mark.parametrize('family', CASES)
def test_names_and_tables_of_older_files_are_known(family):
    config, _, _, weights = CASES[family]
    given, older = tensors(family), {}
    for name, tensor in given.items():
        for new, old in OLDER.get(family, {}).items():
            name = name.replace(new, old)
        older[name] = tensor
    assert same(weights(config, older | BUFFERS[family])[0], weights(config, given)[0])


def timm_layer(given: dict[str, np.ndarray], theirs: str, layer: str) -> dict[str, np.ndarray]:
    """The tensors of a block as timm calls them, from those of transformers."""
    renamed = {}
    for leaf in ('weight', 'bias'):
        parts = {part: given.get(f'{theirs}.attention.{part}_proj.{leaf}') for part in 'qkv'}
        if parts['k'] is None:
            renamed |= {f'{layer}.attn.{part}_{leaf}': parts[part] for part in 'qv'}
        else:
            renamed[f'{layer}.attn.qkv.{leaf}'] = np.concatenate([*parts.values()])
        names = {'norm1': 'layernorm_before', 'norm2': 'layernorm_after', 'attn.proj': 'attention.o_proj'}
        for own, name in {**names, 'mlp.fc1': 'mlp.fc1', 'mlp.fc2': 'mlp.fc2'}.items():
            renamed[f'{layer}.{own}.{leaf}'] = given[f'{theirs}.{name}.{leaf}']
    return renamed


TIMM_BIASES = {
    'swin': {'relative_position_bias_table': 'relative_position_bias.relative_position_bias_table'},
    'swinv2': {
        'logit_scale': 'logit_scale',
        'cpb_mlp.0.weight': 'continuous_position_bias_mlp.0.weight',
        'cpb_mlp.0.bias': 'continuous_position_bias_mlp.0.bias',
        'cpb_mlp.2.weight': 'continuous_position_bias_mlp.2.weight',
    },
}


def of_timm(family: str, newer: bool = True) -> dict[str, np.ndarray]:
    given, renamed = tensors(family), {}
    for leaf in ('weight', 'bias'):
        renamed[f'patch_embed.proj.{leaf}'] = given[f'{family}.embeddings.patch_embeddings.projection.{leaf}']
        renamed[f'norm.{leaf}'] = given[f'{family}.layernorm.{leaf}']
        renamed[f'head.fc.{leaf}' if family != 'vit' and newer else f'head.{leaf}'] = given[f'classifier.{leaf}']
    if family == 'vit':
        renamed |= {'cls_token': given['vit.embeddings.cls_token'], 'pos_embed': given['vit.embeddings.position_embeddings']}
        return renamed | timm_layer(given, 'vit.layers.0', 'blocks.0') | timm_layer(given, 'vit.layers.1', 'blocks.1')
    merging = f'layers.{int(newer)}.downsample'
    for leaf in ('weight', 'bias'):
        renamed[f'patch_embed.norm.{leaf}'] = given[f'{family}.embeddings.norm.{leaf}']
        renamed[f'{merging}.norm.{leaf}'] = given[f'{family}.encoder.layers.0.downsample.norm.{leaf}']
    renamed[f'{merging}.reduction.weight'] = given[f'{family}.encoder.layers.0.downsample.reduction.weight']
    for layer in ('layers.0.blocks.0', 'layers.0.blocks.1', 'layers.1.blocks.0', 'layers.1.blocks.1'):
        theirs = f'{family}.encoder.{layer}'
        renamed |= timm_layer(given, theirs, layer)
        for own, name in TIMM_BIASES[family].items():
            renamed[f'{layer}.attn.{own}'] = given[f'{theirs}.attention.{name}']
        renamed[f'{layer}.attn.relative_position_index'] = np.zeros((4, 4), np.int64)
    return renamed | {'layers.0.blocks.1.attn_mask': np.zeros((4, 4, 4), np.float32)}


@pytest.mark.parametrize(
    ('family', 'newer'), [('vit', True), ('swin', True), ('swin', False), ('swinv2', True), ('swinv2', False)]
)
def test_names_of_timm_are_known(family: str, newer: bool):
    config, _, _, weights = CASES[family]
    assert same(weights(config, of_timm(family, newer))[0], weights(config, tensors(family))[0])
    with pytest.raises(ValueError, match=r'[12] missing: (encoder\.)?layers\.0.*\.attention\.o_proj\.bias'):
        weights(config, {name: part for name, part in of_timm(family).items() if not name.endswith('0.attn.proj.bias')})


@pytest.mark.parametrize('prefix', ['module.', '_orig_mod.', 'module._orig_mod.', '_orig_mod.module.'])
def test_names_of_a_wrapped_model_are_known(tiny: Callable, tmp_path: Path, prefix: str):
    save_file({f'{prefix}{name}': part for name, part in of_timm('vit').items()}, tmp_path / 'wrapped.safetensors')
    save_file(tensors('vit'), tmp_path / 'plain.safetensors')
    wrapped, plain = (import_weights('tiny_vit', tmp_path / f'{name}.safetensors')[0] for name in ('wrapped', 'plain'))
    assert same(wrapped, plain)


def test_a_tied_head_may_be_given_twice_but_not_differ():
    config, _, _, weights = CASES['gpt2']
    given = tensors('gpt2')
    table = given['transformer.wte.weight']
    assert same(weights(config, given | {'lm_head.weight': table})[0], weights(config, given)[0])
    with pytest.raises(ValueError, match=r"lm_head\.weight is not their wte\.weight; .* 'tied_next_token'"):
        weights(config, given | {'lm_head.weight': table + 1})


LAST = {
    'vit': 'vit.layers.1.mlp.fc2.bias',
    'gpt2': 'transformer.h.1.attn.c_attn.bias',
    'llama': 'model.layers.1.mlp.down_proj.weight',
    'swin': 'swin.encoder.layers.1.blocks.1.mlp.fc2.bias',
    'swinv2': 'swinv2.encoder.layers.1.blocks.1.mlp.fc2.bias',
}


@pytest.mark.parametrize('family', CASES)
def test_all_that_is_wrong_is_one_error(family):
    """A missing tensor, one that nobody asks for, and one of another shape, in one sentence; also where there are none."""
    config, _, _, weights = CASES[family]
    given = tensors(family)
    del given[LAST[family]]
    given['classifiers.weight'] = np.zeros(3, np.float32)
    victim = next(name for name in given if 'mlp' in name and name.endswith('weight'))
    given[victim] = np.zeros((5, 2), np.float32)
    plain = LAST[family].partition('.')[2]
    with pytest.raises(ValueError) as caught:
        weights(config, given)
    message = str(caught.value)
    assert f'1 missing: {plain}' in message and '1 not used: classifiers.weight' in message
    assert f'{victim.partition(".")[2]} is [5, 2], wanted [' in message
    with pytest.raises(ValueError, match='missing'):
        weights(config, {})
    with pytest.raises(ValueError, match=r'missing|not used|another shape'):
        deeper = {'depths': [2, 4]} if family.startswith('swin') else {'depth': 3}
        weights(with_body(config, **deeper), tensors(family))


@pytest.mark.parametrize(
    ('family', 'change', 'message'),
    [
        ('vit', {'norm': {'kind': 'rms_norm'}}, "for norm 'layer_norm', the config has 'rms_norm'"),
        (
            'vit',
            {'mixer': {'kind': 'attention', 'heads': 2, 'biases': 'needed'}},
            "mixer.biases='all', the config has 'needed'",
        ),
        ('vit', {'mixer': {'kind': 'attention', 'heads': 2}}, "mixer.biases='all', the config has 'needed'"),
        ('gpt2', {'head': {'kind': 'next_token', 'outputs': 11, 'bias': False}}, "head 'tied_next_token'"),
        ('llama', {'head': {'kind': 'next_token', 'outputs': 11, 'bias': True}}, 'head.bias=False, the config has True'),
        ('swin', {'residual': {'kind': 'layer_scale', 'initial': 1.0}}, "residual 'pre'"),
        ('swinv2', {'residual': {'kind': 'pre'}}, "residual 'res_post'"),
        ('swinv2', {'mixer': {**CASES['swinv2'][0]['mixer'], 'scores': 'dot'}}, "mixer.scores='cosine', the config has 'dot'"),
        ('swin', {'mixer': {**CASES['swin'][0]['mixer'], 'bias': 'network'}}, "mixer.bias='table', the config has 'network'"),
        ('swinv2', {'downsample': {'kind': 'patch_merging'}}, "downsample.norm='after', the config has 'before'"),
    ],
)
def test_a_config_of_another_kind_is_refused(family, change, message):
    config, _, _, weights = CASES[family]
    with pytest.raises(ValueError) as caught:
        weights({**config, **change}, tensors(family))
    assert message in str(caught.value)


def test_another_activation_takes_the_same_weights():
    config, _, _, weights = CASES['vit']
    assert same(weights({**config, 'activation': {'kind': 'relu'}}, tensors('vit'))[0], weights(config, tensors('vit'))[0])


@pytest.mark.parametrize('family', CASES)
def test_a_file_is_imported_saved_and_loaded(tiny, tmp_path: Path, family):
    save_file(tensors(family), tmp_path / 'reference.safetensors')
    params, state = import_weights(f'tiny_{family}', tmp_path / 'reference.safetensors')
    assert same(params, CASES[family][3](CASES[family][0], tensors(family))[0])
    save_weights(tmp_path / 'new' / 'ours.safetensors', params, state)
    again, state_again = load_weights(tmp_path / 'new' / 'ours.safetensors')
    assert same(again, params) and state_again == state
    names = set(load_file(tmp_path / 'new' / 'ours.safetensors'))
    assert 'params/block_0/mixer/query/kernel' in names and len(names) == len(jax.tree.leaves(params))
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['ours.safetensors']
    (tmp_path / 'plain').touch()
    assert (tmp_path / 'new' / 'ours.safetensors').stat().st_mode == (tmp_path / 'plain').stat().st_mode


def test_statistics_and_scalars_are_kept(tmp_path: Path):
    params = {'norm': {'gain': jnp.float32(0.5)}, 'head': {'head': {'kernel': jnp.arange(6.0).reshape(2, 3).T}}}
    state = {'norm': {'mean': np.arange(3, dtype=np.float32)}}
    save_weights(tmp_path / 'ours.safetensors', params, state)
    again = load_weights(tmp_path / 'ours.safetensors')
    assert same(again[0], params) and same(again[1], state)
    assert again[0]['norm']['gain'].shape == ()


@pytest.mark.parametrize('kind', ['float16', 'bfloat16', 'float64'])
def test_other_types_become_float32(tiny, tmp_path: Path, kind):
    given = {name: tensor.astype(jnp.dtype(kind)) for name, tensor in tensors('llama').items()}
    save_file(given, tmp_path / 'reference.safetensors')
    params, _ = import_weights('tiny_llama', tmp_path / 'reference.safetensors')
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype('float32')}
    wanted = {name: tensor.astype(np.float32) for name, tensor in given.items()}
    assert same(params, CASES['llama'][3](CASES['llama'][0], wanted)[0])


def test_a_model_in_several_files_is_read_by_its_index(tiny, tmp_path: Path):
    given = tensors('llama')
    where = {name: f'model-0000{1 + at % 2}-of-00002.safetensors' for at, name in enumerate(given)}
    for file in set(where.values()):
        save_file({name: tensor for name, tensor in given.items() if where[name] == file}, tmp_path / file)
    index = tmp_path / 'model.safetensors.index.json'
    index.write_text(json.dumps({'metadata': {}, 'weight_map': where}))
    assert same(import_weights('tiny_llama', index)[0], CASES['llama'][3](CASES['llama'][0], given)[0])
    (tmp_path / 'model-00002-of-00002.safetensors').unlink()
    with pytest.raises(ValueError, match=r"model-00002-of-00002\.safetensors': no such file"):
        import_weights('tiny_llama', index)
    index.write_text('[]')
    with pytest.raises(ValueError, match='no index'):
        import_weights('tiny_llama', index)


@pytest.mark.parametrize('name', ['wte.weight', 'params', 'params/kernel', 'state/mean', 'other/stem/kernel', 'stem/a/kernel'])
def test_a_file_of_others_is_not_loaded_as_ours(tmp_path: Path, name: str):
    save_file({name: np.zeros((2, 2), np.float32)}, tmp_path / 'others.safetensors')
    with pytest.raises(ValueError, match=rf"holds '{re.escape(name)}', allowed are names such as"):
        load_weights(tmp_path / 'others.safetensors')


def test_the_command_says_what_it_wrote(tiny, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_file(tensors('vit'), 'reference.safetensors')
    assert archlab.main(['import-weights', 'tiny_vit', 'reference.safetensors']) == 0
    count = sum(int(np.prod(shape)) for shape in CASES['vit'][1].values())
    assert capsys.readouterr().out.strip() == f'tiny_vit: 40 tensors, {count:,} parameters, written to tiny_vit.safetensors'
    assert archlab.main(['import-weights', 'tiny_vit', 'reference.safetensors', '--out', 'new/a.safetensors', '--json']) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts == {
        'model': 'tiny_vit',
        'file': 'reference.safetensors',
        'tensors': 40,
        'parameters': count,
        'out': 'new/a.safetensors',
    }
    assert same(load_weights('new/a.safetensors')[0], load_weights('tiny_vit.safetensors')[0])


BAD_CALLS = [
    (['tiny_vitt', 'good.safetensors'], "Did you mean 'tiny_vit'"),
    (['tiny_without', 'good.safetensors'], 'has no weights to import'),
    (['tiny_vit', 'nowhere.safetensors'], 'no such file'),
    (['tiny_vit', '.'], 'no such file'),
    (['tiny_vit', 'truncated.safetensors'], 'no whole .safetensors file'),
    (['tiny_vit', 'text.safetensors'], 'no whole .safetensors file'),
    (['tiny_vit', 'empty.safetensors'], 'no whole .safetensors file'),
    (['tiny_gpt2', 'good.safetensors'], 'missing: wte.weight'),
    (['tiny_vit', 'more.safetensors'], '1 not used: more.weight'),
    (['tiny_vit', 'wrong.safetensors'], 'classifier.bias is [4], wanted [3]'),
    (['tiny_vit', 'good.safetensors', '--out', 'good.safetensors'], 'is the file that would be read'),
    (['tiny_vit', 'good.safetensors', '--out', 'text.safetensors/out.safetensors'], "can't be written"),
    (['tiny_vit', 'good.safetensors', '--out', 'folder'], 'is no .safetensors file, so it stays'),
    (['tiny_vit'], 'Missing argument'),
]


@pytest.mark.parametrize(('call', 'message'), BAD_CALLS, ids=lambda value: ' '.join(value) if isinstance(value, list) else '')
def test_bad_calls_are_one_line_and_write_nothing(tiny, tmp_path: Path, monkeypatch, capsys, call, message):
    monkeypatch.chdir(tmp_path)
    given = tensors('vit')
    save_file(given, 'good.safetensors')
    save_file(given | {'more.weight': np.zeros(2, np.float32)}, 'more.safetensors')
    save_file(given | {'classifier.bias': np.zeros(4, np.float32)}, 'wrong.safetensors')
    whole = Path('good.safetensors').read_bytes()
    Path('truncated.safetensors').write_bytes(whole[:-7])
    Path('text.safetensors').write_text('not weights')
    Path('empty.safetensors').write_bytes(b'')
    Path('folder').mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert archlab.main(['import-weights', *call]) == 2
    printed = capsys.readouterr()
    assert printed.out == '' and len(printed.err.strip().splitlines()) == 1
    assert printed.err.startswith('archlab: error: ') and message in printed.err
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert not list(Path('folder').iterdir())

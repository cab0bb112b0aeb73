"""Builders of published models at sizes that no paper has: which number goes where, and what is made of it."""

import json

import golden_texts

from arch.published import (
    convnext,
    decoders,
    deepseek,
    deit3,
    efficientnet,
    gpt2,
    llama,
    metaformer,
    metaformer_baselines,
    nanochat,
    resnet,
    swin,
    swin_v2,
    vit,
)

LATENT = {'heads': 7, 'head_size': 6, 'turned': 2, 'latent': 9, 'query_latent': 5, 'value_size': 3}
EXPERTS = {'experts': 12, 'top': 3, 'shared': 1, 'groups': 4, 'top_groups': 2}
MADE = {
    'convnext': [(convnext.convnext, (24, 40), (2, 5)), (convnext.convnext, (24, 40), (2, 5), 7)],
    'convnext_isotropic': [(convnext.convnext_isotropic, 24, 5, 7)],
    'convnext_v2': [(convnext.convnext_v2, (24, 40), (2, 5), 7)],
    'qwen3': [(decoders.qwen3, 96, 5, 3, 77)],
    'gemma3': [(decoders.gemma3, 96, depth, 4, 2, 77) for depth in (5, 6, 13)],
    'olmo2': [(decoders.olmo2, 96, 5, 3, 77)],
    'llama3': [(decoders.llama3, 96, 5, 8, 77)],
    'mamba': [(decoders.mamba, 48, 5)],
    'rwkv7': [(decoders.rwkv7, 128, 5, (7, 9, 11))],
    'pythia': [(decoders.pythia, 96, 5, 3)],
    'deepseek_v3': [(deepseek.deepseek_v3, 311, 60, 5, 2, LATENT, 77, 13, EXPERTS)],
    'deit3': [(deit3.deit3, 7, 48, 16, 24, 5, 3), (deit3.deit3, 7, 48, 16, 24, 5, 3, 2, 1e-6)],
    'efficientnet': [(efficientnet.efficientnet, ((1, 24, 2, 1, 3), (4, 40, 1, 2, 5)), 12, 77, 7)],
    'gpt2': [(gpt2.gpt2, 311, 17, 24, 5, 3, 2.5)],
    'llama': [(llama.llama, 311, 24, 5, 6, 2, 77, 500.0, 1e-6)],
    'mlp_mixer': [(metaformer.mlp_mixer, 24, 5, 4, 11, 13, 7)],
    'poolformer': [(metaformer.poolformer, (24, 40), (2, 5), 1e-3, 7)],
    'conv_mixer': [(metaformer.conv_mixer, 24, 5, 9, 3, 7)],
    'metaformer': [
        (make, (1, 2, 3, 4), (32, 64, 96, 128))
        for make in (
            metaformer_baselines.identityformer,
            metaformer_baselines.randformer,
            metaformer_baselines.poolformer_v2,
            metaformer_baselines.convformer,
            metaformer_baselines.caformer,
        )
    ],
    'mobilenet_v3': [
        (efficientnet.mobilenet_v3, ((24, 1, ((3, 30, True),)), *[(40, 2, ((5, 70, True), (3, 90, False)))] * 3), 12, 77, 99, 7)
    ],
    'nanochat': [(nanochat.nanochat, depth) for depth in (1, 2, 5)] + [(nanochat.nanochat, 4, 311)],
    'resnet': [(resnet.resnet, (24, 40), (2, 5), 12, 7), (resnet.resnet, (24, 40), (2, 5), 12, 7, 'basic')],
    'swin': [(swin.swin, 7, (24, 48), (2, 4), 8, 5, 2.5)],
    'swin_v2': [(swin_v2.swin_v2, 7, (24, 48), (2, 4), 8, 5, 2.5, window) for window in (0, 12)],
    'vit': [(vit.vit, 7, 48, 16, 24, 5, 3, 2.5)],
}


def told(make: object, *given: object) -> str:
    return f'{make.__name__}{given}: {json.dumps(make(*given), sort_keys=True)}'


def test_configs_at_other_sizes_are_what_they_were():
    lines = [told(*call) for calls in MADE.values() for call in calls]
    lines += [f'in_eights {[efficientnet.in_eights(channels) for channels in (3, 8, 11.9, 12, 12.1, 20, 52, 100.5)]}']
    golden_texts.hold('published_sizes', '\n'.join(lines))

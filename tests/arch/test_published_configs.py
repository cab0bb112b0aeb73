"""The configs of published models, whole and to the last field: what was published does not change."""

import hashlib
import json

import pytest

from ablations.neutral import neutral_fields
from arch.make import fields
from arch.published import (
    MODELS,
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
    roadmap,
    swin,
    swin_v2,
    vit,
)
from arch.sockets import TABLES

FAMILIES = {
    'convnext': convnext,
    'decoders': decoders,
    'deit3': deit3,
    'deepseek': deepseek,
    'efficientnet': efficientnet,
    'gpt2': gpt2,
    'llama': llama,
    'metaformer': metaformer,
    'metaformer_baselines': metaformer_baselines,
    'nanochat': nanochat,
    'resnet': resnet,
    'roadmap': roadmap,
    'swin': swin,
    'swin_v2': swin_v2,
    'vit': vit,
}
DIGESTS = {
    'convnext': 'd22a522ec119',
    'decoders': '95a5d230cf93',
    'deit3': '6de00329b2bc',
    'deepseek': '92af3f4e15c9',
    'efficientnet': '01c79c061ecf',
    'gpt2': 'ecf36907ada5',
    'llama': 'be4672f63421',
    'metaformer': '1888583a790d',
    'metaformer_baselines': '52e25f599faa',
    'nanochat': '5abcbcb177d3',
    'resnet': '87047fbb4825',
    'roadmap': '57de00b75634',
    'swin': '38ba17ed3968',
    'swin_v2': '763dc768ea34',
    'vit': '5b4d6fa0570d',
}
"""Golden: update only if you meant to change a model, or the plain config of all."""


def test_every_model_is_of_a_family():
    assert {name for family in FAMILIES.values() for name in family.MODELS} == set(MODELS)


@pytest.mark.parametrize('family', FAMILIES)
def test_configs_are_those_that_were_checked(family: str):
    told = {name: [model.config, model.example, model.paper] for name, model in FAMILIES[family].MODELS.items()}
    text = json.dumps(told, sort_keys=True, indent=1)
    assert hashlib.sha256(text.encode()).hexdigest()[:12] == DIGESTS[family], text


@pytest.mark.parametrize('name', MODELS)
def test_a_config_is_complete(name: str):
    """Every socket is filled with every field written out, as plain data that survives JSON."""
    config = MODELS[name].config
    assert set(config) == set(TABLES)
    for family, spec in config.items():
        assert {*spec, *neutral_fields(family, spec['kind'])} == {'kind', *fields(TABLES[family][spec['kind']])}, family
    assert json.loads(json.dumps(config)) == config

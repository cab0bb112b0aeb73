"""Claims made by hand, and those of the published bundles, for the tests of claims."""

import dataclasses
import functools
from pathlib import Path

from results.claims.bundles import bundles_in, read_bundle
from results.claims.claim import Claim
from results.claims.collection import Collection, collect
from results.claims.relation import relations
from results.claims.setting import Setting

PUBLISHED = Path(__file__).parents[3] / 'results' / 'published'
LAYER, TANH = {'kind': 'layer_norm', 'eps': 1e-6}, {'kind': 'dynamic_tanh'}
SETTING = Setting(
    task='digits',
    dataset='digits',
    domain='images',
    kinds={'body': 'isotropic', 'norm': 'layer_norm', 'mixer': 'attention'},
    differences=({'path': 'norm', 'from': LAYER, 'to': TANH},),
    params=12_143,
    base_params=12_138,
    steps=140,
    base_steps=140,
    batch=64,
)
CLAIM = Claim(
    study='first',
    question='Which norm?',
    study_digest='0123456789abcdef',
    arm='dynamic_tanh',
    base='layer_norm',
    changes=({'swap': 'norm', 'kind': 'dynamic_tanh', 'fields': {}},),
    base_changes=(),
    scope='dataset',
    settings=(SETTING,),
    metric='accuracy',
    unit='share of images',
    direction='higher',
    margin=0.01,
    trials=16,
    optimizers=('adamw',),
    replicates=5,
    seeds=2,
    budget='trials',
    verdict='worse',
    effect=-0.021,
    interval=(-0.03, -0.012),
    p_adjusted=0.001,
    confirmed=10,
    base_confirmed=10,
    sources=({'kind': 'runs', 'place': 'runs/first', 'failing': []},),
)


def claim(setting: dict | None = None, **fields: object) -> Claim:
    """The claim of CLAIM with other fields, and other ones in its setting."""
    made = dataclasses.replace(CLAIM, settings=(dataclasses.replace(SETTING, **(setting or {})),))
    return dataclasses.replace(made, **fields)


def collection(*claims: Claim) -> Collection:
    return Collection(claims, tuple(relations(claims)))


@functools.cache
def published() -> Collection:
    """The claims of the bundles of this repository."""
    return collect([(str(path), functools.partial(read_bundle, path)) for path in bundles_in(PUBLISHED)])

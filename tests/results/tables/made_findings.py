"""Findings for the tests of tables: better, worse, undecided and unknown, and those of small studies."""

import dataclasses

from simulated_study import small

from results.evidence import Finding
from results.store.reading import Reading
from results.tables import StudyFacts, study_facts

BETTER = Finding(
    study='small',
    arm='rms_norm',
    base='layer_norm',
    task='digits',
    dataset='digits',
    metric='accuracy',
    unit='share of images',
    direction='higher',
    margin=0.01,
    base_value=0.9,
    base_interval=(0.89, 0.91),
    value=0.925,
    interval=(0.92, 0.93),
    effect=0.025,
    effect_interval=(0.015, 0.035),
    p=0.001,
    p_adjusted=0.0123,
    p_equivalent=1.0,
    verdict='better',
    reason='+0.025 share of images, adjusted p 0.012',
    shared_effect=-0.004,
    shared_interval=(-0.01, 0.002),
    params=10100,
    params_ratio=1.01,
    macs=2_000_000,
    macs_ratio=1.0,
    lr_sensitivity=0.1234,
    base_lr_sensitivity=0.2,
    diverged=1,
    confirmed=20,
    base_confirmed=20,
    diverged_share=0.05,
    base_diverged_share=0.0,
    replicates=5,
    seeds=2,
    n_test=540,
    overall='undecided',
    overall_reason='better on 1 of 2 datasets',
)
WORSE = dataclasses.replace(
    BETTER, arm='no_norm', value=0.8, effect=-0.1, effect_interval=(-0.12, -0.08), verdict='worse', censored=('adamw lr high',)
)
LOSS = dataclasses.replace(
    BETTER,
    task='stdlib_bytes',
    dataset='stdlib_bytes',
    metric='loss',
    unit='nats per byte',
    direction='lower',
    margin=0.02,
    base_value=2.5,
    base_interval=(2.4, 2.6),
    value=2.4321,
    interval=(2.4, 2.46),
    effect=0.0679,
    effect_interval=(-0.01, 0.14),
    verdict='undecided',
)
UNKNOWN = Finding('small', 'no_norm', 'layer_norm', 'stdlib_bytes', 'stdlib_bytes', 'loss', 'nats per byte', 'lower', 0.02)


def about(shape: str = 'one_swap', **fields: object) -> tuple[list[Finding], StudyFacts]:
    study, planned, records, manifest, findings = small(shape, **fields)
    return findings, study_facts(Reading(study, planned, records, manifest), findings)

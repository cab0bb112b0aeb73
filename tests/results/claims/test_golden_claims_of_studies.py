"""Claims of studies with made-up findings of every verdict, in each form: tests/golden/claims_of_*.txt."""

import dataclasses

import golden_texts
import pytest
from simulated_study import TOPS, data, study_of
from told_values import told

from ablations.spaces import log
from ablations.study import put, swap
from results.claims.claim import Claim
from results.claims.collection import Collection
from results.claims.flat import row_of
from results.claims.formats import FORMATS, text
from results.claims.question import question_of, turned
from results.claims.relation import agreement, beyond_margin, relations
from results.claims.remarks import remarks, summary
from results.claims.sentence import parse, sentence_of
from results.claims.source import Source, claims_of
from results.claims.study_file import study_file

TUNE = {'adamw': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}}
ARMS = {
    'base': (),
    'rms': swap('norm', 'rms_norm', eps=1e-5),
    'wide': (put('channel.ratio', 3.0), swap('activation', 'relu')),
    'alone': swap('mixer', 'identity'),
}
VERDICTS = {
    'as they are': {},
    'better': {'verdict': 'better', 'effect': 0.02, 'effect_interval': [0.011, 0.03], 'p_adjusted': 0.0001},
    'worse': {'verdict': 'worse', 'effect': -0.02, 'effect_interval': [-0.03, -0.005], 'p_adjusted': 0.01},
    'at the margin': {'verdict': 'better', 'effect': 0.01, 'effect_interval': [0.005, 0.015], 'negligible': True},
    'equivalent': {'verdict': 'equivalent', 'p_equivalent': 0.002, 'p_adjusted': 0.7},
    'undecided': {'verdict': 'undecided', 'p_adjusted': 0.3, 'p_equivalent': 0.2},
    'not comparable': {'verdict': 'not comparable', 'effect': None, 'effect_interval': None, 'reason': 'unfinished'},
    'unstable': {
        'verdict': 'unstable',
        'diverged': 5,
        'confirmed': 6,
        'base_diverged': 1,
        'base_confirmed': 6,
        'p_diverged': 0.01,
    },
    'more stable': {
        'verdict': 'unstable',
        'diverged': 1,
        'confirmed': 6,
        'base_diverged': 5,
        'base_confirmed': 6,
        'p_diverged': 0.01,
    },
    'as unstable': {'verdict': 'unstable', 'diverged': 1, 'confirmed': 3, 'base_diverged': 2, 'base_confirmed': 6},
    'censored': {'censored': ['adamw lr high'], 'base_censored': ['adamw lr low']},
}


def source(name: str, changed: dict, **fields: object) -> Source:
    study = study_of(
        'one_swap', **{'arms': ARMS, 'tune': TUNE, 'replicates': 2, 'trials': 4, 'seeds': 2, **fields, 'name': name}
    )
    _, _, _, manifest, findings = data(study, TOPS, 0.85)
    rows = [{**one.to_dict(), **changed} for one in findings]
    return Source(study, '0123456789abcdef', rows, manifest['costs'], 'runs', 'some/runs', ('a rule',) if changed else ())


def all_of(claims: list[Claim], many: int) -> list[str]:
    lines = []
    for one in claims:
        sentence = sentence_of(one)
        assert parse(str(sentence)) == sentence
        lines += [
            str(sentence),
            *(told('row', row_of(one)) if len(one.settings) == many else []),
            f'question {question_of(one)}',
            f'beyond {beyond_margin(one)}',
        ]
        lines.append(f'turned {sentence_of(turned(one))}')
    return lines


@pytest.mark.parametrize('tasks', [('digits',), ('digits', 'recall')], ids=len)
def test_claims_of_studies_are_what_they_were(tasks: tuple):
    made, lines = [], []
    for number, (name, changed) in enumerate(VERDICTS.items()):
        given = source(f's{number}', changed, tasks=tasks, **({'base_factor': 2} if number == 1 else {}))
        claims = claims_of(given)
        lines += [f'# {name}', *all_of(claims, len(tasks))]
        made += claims
    lines += study_file(made[0], source('s0', {}, tasks=tasks).study, ['again_s0_rms']).splitlines()
    own = [one for one in made if one.arm in ('rms', 'alone')]
    lines += [f'{a.study} {a.arm}, {b.study} {b.arm}: {agreement(a, b)}' for a in own[:12] for b in own[:12] if a is not b]
    collection = Collection(tuple(made), tuple(relations(made)))
    lines += told('remarks', [dataclasses.asdict(one) for one in remarks(collection)][:5]) + [summary(collection, 2)]
    lines += [
        text(Collection(tuple(made[: 6 // len(tasks)]), tuple(relations(made[: 6 // len(tasks)]))), form, silent=1, width=110)
        for form in ('terminal', *FORMATS)
    ]
    golden_texts.hold(f'claims_of_{len(tasks)}', '\n'.join(lines))

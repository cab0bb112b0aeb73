"""Facts of a study: effects of its factors, what is missing, and what its tables warn of."""

import dataclasses
import json
import re

import pytest
from made_findings import BETTER, LOSS, about
from simulated_study import small

from results.protocol import NOW
from results.store.reading import Reading
from results.tables import StudyFacts, study_facts, table
from results.tables.study_facts import Missing


def test_effects_of_factors_are_what_the_means_say():
    """On means of the arms, by hand; adjusted by Holm over the effects of all tasks, not of one."""
    study, planned, records, _, findings = small('factorial')
    facts = about('factorial')[1]
    values = {f.arm: f.value for f in findings if f.task == 'digits'} | {'base': findings[0].base_value}
    main = (values['rms'] + values['rms_and_no_mixer'] - values['base'] - values['no_mixer']) / 2
    both = values['rms_and_no_mixer'] - values['rms'] - values['no_mixer'] + values['base']
    lines = {line.name: line for line in facts.effects if line.task == 'digits'}
    assert lines['norm: rms'].effect == pytest.approx(main)
    assert lines['norm: rms x mixer: no_mixer'].effect == pytest.approx(both)
    smallest = min(facts.effects, key=lambda line: line.p)
    assert smallest.p_adjusted == pytest.approx(6 * smallest.p)
    for line in facts.effects:
        names = ('more together', 'less together') if line.kind == 'interaction' else ('better', 'worse')
        told = names[line.effect < 0] if line.p_adjusted <= 0.025 else 'undecided'
        assert line.verdict == told
    assert study.alpha == 0.05 and len(planned.trials) == len(records)


def test_effects_of_factors_are_withheld_where_an_arm_is_unfit():
    study, planned, records, manifest, findings = small('factorial')
    unfit = [dataclasses.replace(one, verdict='not comparable', reason='unequal budgets: 1 against 2') for one in findings]
    lines = study_facts(Reading(study, planned, records, manifest), unfit).effects
    assert {line.verdict for line in lines} == {'not comparable'} and 'unequal budgets' in lines[0].reason
    edges = dataclasses.replace(planned, censored={('rms', 'digits'): ['adamw lr high']})
    marked = study_facts(Reading(study, edges, records, manifest), findings)
    assert {line.marks for line in marked.effects if line.task == 'digits'} == {('censored: rms',)}
    facts = study_facts(Reading(study, planned, records, manifest), findings)
    before = {line.name: line for line in facts.effects if line.task == 'digits'}
    assert before['mixer: no_mixer'].verdict == 'worse'
    # The base and `rms` are the winners of that effect, so only an edge of an arm without a mixer could undo it.
    for arm, verdict in (
        ('rms', 'worse'),
        ('base', 'worse'),
        ('no_mixer', 'not comparable'),
        ('rms_and_no_mixer', 'not comparable'),
    ):
        edges = dataclasses.replace(planned, censored={(arm, 'digits'): ['adamw lr high']})
        marked = study_facts(Reading(study, edges, records, manifest), findings)
        line = next(line for line in marked.effects if (line.task, line.name) == ('digits', 'mixer: no_mixer'))
        assert line.verdict == verdict and (arm in line.reason) == (verdict == 'not comparable')
        assert re.search(rf'\| digits \| mixer: no_mixer .* {verdict}, censored \|', table(findings, 'md', facts=marked))
        assert line.reason in table(findings, 'md', facts=marked)


def test_an_effect_of_nothing_cannot_be_undone_by_any_arm():
    study, planned, records, manifest, findings = small('factorial')
    scores = {key: {**one, 'score': 0.5 if one['status'] == 'ok' else None} for key, one in records.items()}
    edges = dataclasses.replace(planned, censored={(arm, 'digits'): ['adamw lr high'] for arm in study.arms})
    lines = study_facts(Reading(study, edges, scores, manifest), findings).effects
    lines = [line for line in lines if line.task == 'digits']
    assert {(line.effect, line.verdict, line.reason) for line in lines} == {
        (0.0, 'undecided', 'zero variance: no test is defined')
    }
    assert {line.marks for line in lines} == {(f'censored: {", ".join(study.arms)}',)}


def test_a_study_that_was_decided_early_is_not_unfinished():
    early = StudyFacts(look=3, last=6)
    assert any(said.startswith('Unfinished') for said in early.warnings())
    assert dataclasses.replace(early, complete=True).warnings() == []
    few = StudyFacts(last=2, look=2).warnings()
    assert few == ['2 replicates: 3 are the least for which the error rate of verdicts is promised.']
    assert StudyFacts(last=3, look=3).warnings() == StudyFacts().warnings() == []
    assert not any('protocol' in said for said in dataclasses.replace(early, protocol=NOW).warnings())
    older = dataclasses.replace(early, protocol=2).warnings()
    assert any(said.startswith('It was started under protocol 2; protocol') for said in older)


def test_runs_that_an_arm_or_its_reference_lacks_are_counted_apart():
    facts = StudyFacts(
        missing=(Missing('rms_norm', 'digits', 2, 9), Missing('layer_norm', 'digits', 3, 9), Missing('rms_norm', 't', 5, 9))
    )
    row, other = json.loads(table([BETTER, LOSS], 'json', facts=facts))
    assert (row['missing_runs'], row['base_missing_runs']) == (2, 3) and (
        other['missing_runs'],
        other['base_missing_runs'],
    ) == (0, 0)


def test_facts_are_those_of_the_study():
    findings, facts = about()
    assert (facts.shape, facts.recipe, facts.late, facts.missing, facts.complete) == ('one_swap', 'own', (), (), True)
    study, planned, records, manifest, _ = small()
    alone = study_facts(Reading(dataclasses.replace(study, share=False), planned, records, manifest), findings)
    assert facts.share == study.share and not alone.share and facts.unshared == ()
    read_early = {**manifest, 'design': {'looks': [2], 'shares': [1.0], 'alpha': 0.05}, 'protocol': 2}
    late = study_facts(Reading(study, planned, records, read_early), findings)
    assert (late.looks, late.late, late.last, late.protocol) == ((2,), (3,), 3, 2)

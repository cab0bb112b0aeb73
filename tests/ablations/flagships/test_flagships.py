"""Flagships: every rung is a study of two datasets or more, under the full protocol, by its name."""

import re
from pathlib import Path

import pytest

import ablations.flagships as wing
from ablations.flagships import FLAGSHIPS, RUNG_STUDIES, flagship, rung_study
from ablations.flagships.rungs import CPU, GPU
from ablations.study_files import load_study, of_the_lab

WRITTEN = [name for name in FLAGSHIPS if (Path(wing.__file__).parent / f'{name}.py').exists()]


def test_every_file_is_of_a_flagship_that_is_listed():
    files = {path.stem for path in Path(wing.__file__).parent.glob('*.py')} - {'__init__', 'flagship', 'rungs'}
    assert files == set(FLAGSHIPS)


@pytest.mark.parametrize('name', FLAGSHIPS)
def test_a_flagship_asks_the_same_at_three_rungs(name):
    one = flagship(name)
    studies = one.studies
    assert one.name == name and tuple(studies) == FLAGSHIPS[name] and len(studies) >= 3
    assert [study.name for study in studies.values()] == [f'{name}_{rung}' for rung in studies]
    smallest, *others = studies.values()
    for other in others:
        assert (list(other.arms), other.tune.keys()) == (list(smallest.arms), smallest.tune.keys())
        assert (other.question, other.against, other.levels) == (smallest.question, smallest.against, smallest.levels)
        assert [task.dataset for task in other.tasks] == [task.dataset for task in smallest.tasks]
    places = [rung.place for rung in one.rungs]
    assert places == sorted(places) and {CPU, GPU} == set(places), 'small rungs need no GPU, and one waits for it'


@pytest.mark.parametrize('name', RUNG_STUDIES)
def test_a_rung_is_asked_on_two_datasets_under_the_whole_protocol(name):
    study = rung_study(name)
    assert len({task.dataset for task in study.tasks}) >= 2
    assert (study.trials, study.replicates, study.seeds, study.recipe, study.share) == (10, 5, 4, 'own', True)
    assert load_study(name).digest == study.digest and of_the_lab(name)


@pytest.mark.parametrize('name', FLAGSHIPS)
def test_a_claim_and_who_says_it_are_those_of_the_paper(name):
    paper = (Path(__file__).parents[3] / 'docs' / 'paper' / 'paper.md').read_text(encoding='utf-8')
    one = flagship(name)
    assert one.claim in paper and one.papers and all(re.search(rf'\b{cited}\b', paper) for cited in one.papers)


def test_steps_and_sizes_rise_from_rung_to_rung():
    for name in FLAGSHIPS:
        sizes = [(rung.depth * rung.width, rung.steps) for rung in flagship(name).rungs]
        assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes)


@pytest.mark.parametrize('name', ['shared_keys_tiny', 'shared_kys'])
def test_unknown_names_are_refused_with_those_that_are_there(name):
    with pytest.raises(ValueError, match=r"unknown rung of a flagship '.*'; allowed: \['squashing_norms_small'"):
        rung_study(name)


def test_a_flagship_without_a_rung_is_asked_for_one():
    with pytest.raises(ValueError, match=r"'shared_keys' is a flagship.*allowed: \['shared_keys_small', 'shared_keys_medium'"):
        load_study('shared_keys')
    with pytest.raises(ValueError, match=r"no rung 'tiny'; allowed: \['small', 'medium', 'large'\]"):
        flagship('shared_keys').study('tiny')
    with pytest.raises(ValueError, match=r"unknown flagship 'shared_key'; allowed: .*Did you mean 'shared_keys'\?"):
        flagship('shared_key')
    assert not of_the_lab('shared_keys')

"""Examples of a rule under other fields than those of the lab's tasks, by their hash: controls, other forms, other sizes."""

import hashlib

import numpy as np
import pytest
from known_examples import digest

from sweeps.tasks.made import MADE
from sweeps.tasks.trajectories import MOTIONS
from sweeps.tasks.trajectories.readings import recorded
from sweeps.training.preflight import task_of

FEW = {'train': 40, 'held': 20}
WRITERS = {'kind': 'supervised', 'dataset': 'writers', 'length': 128}
# The first 8 digits of the hashes of pool and test. Update only if you meant to change them: records of studies rest on them.
OTHER = {
    'balls that nothing links': ({'kind': 'next_observation', 'linked': False, **FEW}, '58e07bfa b113852b'),
    'balls four events ahead': ({'kind': 'next_observation', 'horizon': 4, 'asked': 'last', **FEW}, '09c3373b 067f8975'),
    'balls on a larger board': (
        {
            'kind': 'next_observation',
            'form': 'pixels',
            'simulator': {'kind': 'balls', 'size': 7, 'balls': 2, 'screen': 2},
            **FEW,
        },
        'abd71692 de6409df',
    ),
    'long rooms': (
        {'kind': 'next_observation', 'simulator': {'kind': 'doors', 'rows': 2, 'columns': 4, 'flip': 0.2}, **FEW},
        '50c87942 4c400234',
    ),
    'a mode that nothing links': (
        {'kind': 'hidden_variable', 'simulator': {'kind': 'doors'}, 'variable': 'mode', 'linked': False, **FEW},
        '11930460 913d5cea',
    ),
    'numbers in any order': ({'kind': 'trajectories', 'control': 'shuffled', 'events': 6, **FEW}, '79091aa7 44d991a4'),
    'planets of four bits': (
        {'kind': 'trajectories', 'motion': {'kind': 'planets'}, 'bits': 4, 'events': 6, **FEW},
        '62d49b8d 790e0226',
    ),
    'laws that nothing links': ({'kind': 'hidden_law', 'control': 'unlinked', 'events': 6, **FEW}, '9ef8c4a6 40dd87ad'),
    'residues that nothing links': ({'kind': 'protein_families', 'linked': False, 'length': 12, **FEW}, '3a57685b 604d5b9f'),
    'other families': (
        {'kind': 'protein_families', 'families': 2, 'positions': 5, 'insertion': 0.2, 'deletion': 0.3, 'linker': 2.0, **FEW},
        'cac455af c35f9722',
    ),
    'products as they are read': (
        {'kind': 'arithmetic', 'operation': '*', 'digits': 3, 'order': 'plain', **FEW},
        'aa188b9c 5edd06c4',
    ),
    'answers of products': ({'kind': 'arithmetic_answers', 'operation': '*', **FEW}, '5008d3fc 327ce9c1'),
    'the last state alone': ({'kind': 'state_tracking', 'group': 'a4xz2', 'asked': 'last', **FEW}, 'fded3860 cdb7aeec'),
    'sums apart': (
        {'kind': 'modular_addition', 'modulus': 53, 'mirrors': 'apart', 'train': 1500, 'held': 64},
        '6d4ed12e 43656ed3',
    ),
    'brackets': (
        {'kind': 'regular_language', 'language': 'brackets', 'states': 5, 'symbols': 2, 'length': 40, **FEW},
        '6f6257ed a9866aca',
    ),
    'another automaton': (
        {'kind': 'regular_language', 'states': 5, 'symbols': 3, 'number': 2, 'length': 20, **FEW},
        'd8e9847c c8c580cb',
    ),
    'an automaton of many symbols': (
        {'kind': 'regular_language', 'states': 4, 'symbols': 40, 'length': 9, **FEW},
        '7fbeef18 e69a7f53',
    ),
    'more pairs': ({'kind': 'recall', 'pairs': 3, 'keys': 5, 'values': 6, **FEW}, 'c31603ee c3bc3659'),
    'longer words': ({'kind': 'fuzzy_recall', 'pairs': 4, 'keys': 5, 'values': 7, 'longest': 3, **FEW}, 'c5a97fc3 70ce295c'),
    'two kinds of noise': (
        {'kind': 'selective_copying', 'tokens': 5, 'length': 12, 'copies': 3, 'noise': 2, **FEW},
        '2b25a96b 15aff999',
    ),
    'another chapter': ({'kind': 'facts', 'chapter': 3, 'facts': 9, 'names': 12}, '21d1851a b5efe640'),
    'digits to be drawn': ({'kind': 'picture_language', 'pictures': 'digits', 'asked': 'picture'}, 'd1eaa425 07f5e3c8'),
    'captions that leave colours out': ({'kind': 'paired_scenes', 'left_out': 'colour', 'rate': 0.5}, '72ef6ac8 91bdf678'),
    'digits of sixteen pixels': ({'kind': 'pixels', 'size': 4}, '2b991f51 e04e6b07'),
    'bytes of one writer': ({'kind': 'origin_bytes', 'dataset': 'writers', 'origin': '010', 'length': 32}, 'c30e9cf3 e702d4cb'),
    'halves of writers': ({**WRITERS, 'control': 'halves'}, 'a2623582 b628771f'),
    'writers who leak': ({**WRITERS, 'length': 131, 'control': 'leak'}, 'be535cb1 afcdd04d'),
    'writers in any letters': ({**WRITERS, 'rewrite': ['shuffled_letters']}, '50b5adc3 6d29b9b5'),
    'a longer stretch': ({'kind': 'induction', 'tokens': 9, 'length': 7, 'asked': 3, **FEW}, 'df947fad 64ce9222'),
    'three tokens to tell': ({'kind': 'compression', 'tokens': 3, 'length': 9, **FEW}, '72393449 210bc09f'),
    'orbits in any order, probed': (
        {
            'kind': 'law_probe',
            'motion': {'kind': 'planets', 'laws': ['inverse', 'inverse_square']},
            'control': 'shuffled',
            **FEW,
        },
        '19a5d849 4c5fa027',
    ),
    'turned digits': ({'kind': 'digits', 'quarter_turns': 3}, '9e6eb7d7 68d8aeb4'),
    'two collectors who leak': (
        {'kind': 'supervised', 'dataset': 'collections', 'classes': 2, 'control': 'leak'},
        '9735be61 7ce26958',
    ),
}


@pytest.mark.parametrize('name', OTHER)
def test_examples_of_other_fields_are_always_the_same(name: str):
    data, known = OTHER[name]
    task = task_of(data)
    pool, sealed = task.pool(), task.test()
    assert f'{digest(pool.checksum, str(pool.group.tolist()))[:8]} {sealed.checksum[:8]}' == known


DRAWN = {
    'friedman': '767be4ddb64b0248',
    'adding': 'cf554a22634fa6d0',
    'shapes': '999ed3aaead69d2c',
    'shape_labels': '7fd2d143e749032d',
    'collections': 'd78b02f700ebb52f',
    'writers': '872ad9d5473b530a',
}


@pytest.mark.parametrize('name', DRAWN)
def test_made_sets_draw_what_they_drew(name: str):
    """Sixteen examples of each split, drawn anew: a set as a whole is made once in a process, for whoever asks first."""
    told = hashlib.sha256()
    for sealed in (False, True):
        part = MADE[name].draw(np.random.default_rng(7), 16, sealed)
        for array in (part.x, part.y, part.group, part.offsets):
            told.update(
                b'' if array is None else f'{array.dtype}{array.shape}'.encode() + np.ascontiguousarray(array).tobytes()
            )
    assert told.hexdigest()[:16] == DRAWN[name]


MOVED = {'pendulums': '0a0c822b44e5dabe', 'planets': 'd994e9b591ca3ec2', 'three_bodies': '2a603cf095a0b2c5'}


@pytest.mark.parametrize('kind', MOVED)
def test_motions_under_all_their_laws_are_read_as_they_were(kind: str):
    """Drawn anew, because episodes too are made once."""
    read = recorded.__wrapped__(MOTIONS[kind](laws=MOTIONS[kind].LAWS), 5, 8, 0.5, False, 64)
    assert digest(str(read.levels.tolist()), str(read.law.tolist()), *read.constants) == MOVED[kind]

"""Bounds of made tasks that hang on two fields: what is just allowed can be made, and what is one more is refused."""

import pytest

from sweeps.training.preflight import task_of

FEW = {'train': 4, 'held': 2}
# What is just allowed, and the field by which it is one too many.
BOUNDS = [
    ({'kind': 'fuzzy_recall', 'pairs': 12, 'keys': 3, 'longest': 2}, {'pairs': 13}, 'make only 12 keys of up to 2'),
    (
        {'kind': 'induction', 'asked': 4, 'length': 5, 'tokens': 5},
        {'tokens': 4},
        'asked=4, length=5, tokens=4; allowed: 0 < asked',
    ),
    (
        {'kind': 'induction', 'asked': 4, 'length': 5, 'tokens': 5},
        {'asked': 5},
        'asked=5, length=5, tokens=5; allowed: 0 < asked',
    ),
    ({'kind': 'induction', 'asked': 1}, {'asked': 0}, 'asked=0, length=10, tokens=16; allowed: 0 < asked < length'),
    ({'kind': 'recall', 'pairs': 5, 'keys': 5}, {'pairs': 6}, 'pairs=6 with keys=5; allowed 1 to keys'),
    ({'kind': 'recall', 'pairs': 1, 'keys': 5}, {'pairs': 0}, 'pairs=0 with keys=5; allowed 1 to keys'),
    ({'kind': 'selective_copying', 'copies': 6, 'length': 6}, {'copies': 7}, 'copies=7 with length=6; allowed: 1 to length'),
    ({'kind': 'modular_addition', 'modulus': 2}, {'modulus': 1}, 'modulus=1; allowed: from 2 up'),
    ({'kind': 'arithmetic', 'digits': 8}, {'digits': 9}, 'digits=9; allowed: 1 to 8'),
    ({'kind': 'arithmetic', 'digits': 1}, {'digits': 0}, 'digits=0; allowed: 1 to 8'),
    (
        {'kind': 'protein_families', 'families': 32, 'positions': 16},
        {'families': 33},
        'families=33 of positions=16; allowed: 512',
    ),
    ({'kind': 'protein_families', 'conserved': 1, 'deletion': 0.9}, {'deletion': 0.91}, 'deletion=0.91; allowed: 0 to 0.9'),
    ({'kind': 'protein_families', 'linker': 4096, 'length': 4096}, {'linker': 4097}, 'linker=4097; allowed: 1 to 4096'),
    ({'kind': 'protein_families', 'linker': 1, 'length': 1}, {'length': 0}, 'length=0; allowed: 1 to 4,096'),
    ({'kind': 'protein_families', 'number': 2**32}, {'number': 2**32 + 1}, 'number=4294967297; allowed: 0 to 4,294,967,296'),
    ({'kind': 'regular_language', 'states': 2, 'symbols': 2}, {'states': 1}, 'a language of 1 states and 2 symbols; allowed'),
    ({'kind': 'facts', 'chapter': 2, 'facts': 8, 'names': 4}, {'facts': 9}, 'needs 18 keys, and 4 names make 16'),
    ({'kind': 'next_observation', 'events': 1000}, {'events': 1001}, 'events=1001; allowed: 2'),
    ({'kind': 'next_observation', 'asked': 'last', 'horizon': 1000}, {'horizon': 1001}, 'horizon=1001; allowed: 1'),
    ({'kind': 'next_observation', 'simulator': {'kind': 'balls', 'kick': 1.0}}, {'events': 1}, 'events=1; allowed'),
    (
        {'kind': 'next_observation', 'simulator': {'kind': 'balls', 'size': 16, 'screen': 15}},
        {'events': 1},
        'events=1; allowed',
    ),
    (
        {'kind': 'next_observation', 'simulator': {'kind': 'balls', 'size': 2, 'screen': 0, 'balls': 3}},
        {'events': 1},
        'allowed',
    ),
    (
        {'kind': 'next_observation', 'simulator': {'kind': 'doors', 'rows': 4, 'columns': 4, 'flip': 1.0}},
        {'events': 1},
        'allowed',
    ),
    (
        {'kind': 'next_observation', 'simulator': {'kind': 'doors', 'rows': 1, 'columns': 2, 'steady': 0.0}},
        {'events': 1},
        'allowed',
    ),
    ({'kind': 'trajectories', 'events': 1000, 'bits': 2, 'noise': 64}, {'noise': 64.5}, 'noise=64.5; allowed: 0'),
    ({'kind': 'trajectories', 'events': 2, 'bits': 8, 'noise': 0}, {'bits': 9}, 'bits=9; allowed: 2 to 8'),
    (
        {'kind': 'trajectories', 'motion': {'kind': 'planets', 'substeps': 10_000}},
        {'events': 1},
        'events=1; allowed: 2 to 1000',
    ),
    (
        {'kind': 'trajectories', 'motion': {'kind': 'planets', 'nearest': 1.0, 'farthest': 1.0}},
        {'events': 1},
        'events=1; allowed',
    ),
    ({'kind': 'trajectories', 'motion': {'kind': 'three_bodies', 'softening': 1.99}}, {'events': 1}, 'events=1; allowed'),
]


@pytest.mark.parametrize(('fine', 'more', 'said'), BOUNDS, ids=[f'{fine["kind"]}_{n}' for n, (fine, *_) in enumerate(BOUNDS)])
def test_what_is_just_allowed_is_made_and_one_more_is_refused(fine: dict, more: dict, said: str):
    made = task_of({**FEW, **fine})
    assert fine['kind'] == made.NAME
    with pytest.raises(ValueError, match=said):
        task_of({**FEW, **fine, **more})

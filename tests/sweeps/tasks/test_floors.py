"""What who knows the source of made examples gets, of the sealed ones and of the pool: numbers that pages and coders tell."""

import pytest

from sweeps.training.preflight import task_of

FEW = {'train': 100, 'held': 28}
SHORT = {'events': 6, **FEW}
LAST = {'horizon': 3, 'asked': 'last'}
LAWS = {'kind': 'planets', 'laws': ['inverse', 'inverse_square', 'harmonic']}
# By way of telling: of the sealed examples, of the pool.
FLOORS = {
    'balls': ({'kind': 'next_observation', **FEW}, {'least_bits': (1.55815, 1.50254), 'marginal_bits': (8.3684, 8.33925)}),
    'doors in pixels': (
        {'kind': 'next_observation', 'simulator': {'kind': 'doors'}, 'form': 'pixels', **FEW},
        {'least_bits': (1.56669, 1.65696), 'marginal_bits': (4.59859, 4.65426)},
    ),
    'balls three events ahead': (
        {'kind': 'next_observation', **LAST, **FEW},
        {'least_bits': (2.75098, 2.97641), 'marginal_bits': (8.34443, 8.48955)},
    ),
    'balls that nothing links': (
        {'kind': 'next_observation', 'linked': False, **FEW},
        {'least_bits': (8.31657, 8.37898), 'marginal_bits': (8.31657, 8.37898)},
    ),
    'directions': ({'kind': 'hidden_variable', **FEW}, {'best_share': (0.880615, 0.876302)}),
    'modes': (
        {'kind': 'hidden_variable', 'simulator': {'kind': 'doors'}, 'variable': 'mode', **FEW},
        {'best_share': (0.847412, 0.827474)},
    ),
    'directions of nothing': ({'kind': 'hidden_variable', 'linked': False, **FEW}, {'best_share': (0.242188, 0.264974)}),
    'pendulums': ({'kind': 'trajectories', **SHORT}, {'least_bits': (1.19251, 1.19538), 'noise_bits': (1.18134, 1.18571)}),
    'noisy planets of five bits': (
        {'kind': 'trajectories', 'motion': {'kind': 'planets'}, 'bits': 5, 'noise': 1.5, **SHORT},
        {'least_bits': (2.66653, 2.6858), 'noise_bits': (2.65825, 2.65828)},
    ),
    'laws of planets': ({'kind': 'hidden_law', 'motion': LAWS, **SHORT}, {'fitted_share': (0.613281, 0.585938)}),
    'laws of planets that nothing links': (
        {'kind': 'hidden_law', 'motion': LAWS, 'control': 'unlinked', **SHORT},
        {'fitted_share': (0.363281, 0.328125)},
    ),
    'residues': (
        {'kind': 'protein_families', 'length': 12, **FEW},
        {'least_bits': (2.94962, 2.92799), 'marginal_bits': (4.10073, 4.11153)},
    ),
    'residues that nothing links': (
        {'kind': 'protein_families', 'length': 12, 'linked': False, **FEW},
        {'least_bits': (4.09516, 4.1029), 'marginal_bits': (4.09516, 4.1029)},
    ),
    'products': ({'kind': 'arithmetic', 'operation': '*', **FEW}, {'least_bits': (1.20797, 1.20797)}),
    'an automaton': ({'kind': 'regular_language', **FEW}, {'least_bits': (1.72062, 1.72062)}),
}


@pytest.mark.parametrize('name', FLOORS)
def test_the_best_that_can_be_got_of_sealed_examples_and_of_the_pool(name: str):
    data, known = FLOORS[name]
    task = task_of(data)
    for way, told in known.items():
        assert (getattr(task, way)(), getattr(task, way)(sealed=False)) == pytest.approx(told, rel=1e-4), way
        assert getattr(task, way)(sealed=True) == getattr(task, way)()

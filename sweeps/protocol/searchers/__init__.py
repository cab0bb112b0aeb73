"""Searchers: ways to look for a better model, compared at equal numbers of runs."""

from sweeps.protocol.searchers.joint import AtRandom, Bayesian
from sweeps.protocol.searchers.keep_or_revert import KeepOrRevert
from sweeps.protocol.searchers.tuned_each import TunedEach

SEARCHERS = {'greedy': KeepOrRevert, 'random': AtRandom, 'bayes': Bayesian, 'lab': TunedEach}

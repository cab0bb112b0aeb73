"""The fields of a study that nothing is wrong with."""

from ablations.config import swap

FINE = dict(name='fine', question='Is it?', arms={'base': (), 'other': swap('norm', 'rms_norm')}, tasks=('digits', 'recall'))

"""Protocol: the rules of planning and judging studies, by number. A study says the number of its rules."""

from collections.abc import Mapping

ENTRY = 'protocol'
"""The manifest's entry, written when a runs folder is started."""
NOW = 3
PROTOCOLS = {
    1: 'before 28 November 2026: 16 trials and 2 seeds, unpaired tests, data splits and confirmation seeds of the task alone',
    2: 'since 28 November 2026: 10 trials and 4 seeds, paired tests with lent variance, one surface for points and edges, '
    "data splits and confirmation seeds of the study's own",
    3: 'since 29 November 2026: as 2, but every replicate of every arm decides for itself which of its last trials go past the '
    'edges of its ranges, and all have the same number of trials',
}
"""What each was, in short; LOG.md has the rest."""


def started_under(manifest: Mapping, records: Mapping, planned: Mapping) -> int:
    """The protocol that a runs folder was started under. Without the entry it is told by whether records are of planned trials.

    >>> started_under({'protocol': 2}, {}, {}), started_under({}, {'a': {}}, {}), started_under({}, {'a': {}}, {'a': {}})
    (2, 1, 3)
    """
    return manifest.get(ENTRY) or (1 if records and not planned else NOW)


FEW_REPLICATES = 3
"""The least replicates for which error rates are promised: of fewer, noise is not measured."""

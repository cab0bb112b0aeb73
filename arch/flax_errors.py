"""Flax errors: flax's errors about streams of noise and collections of variables, in the lab's words."""

import contextlib
from collections.abc import Iterator, Mapping

from flax import errors

COLLECTIONS = ('params', 'state', 'aux')
STREAM = (
    "the lab's only stream of random numbers is 'noise', and only in training: self.make_rng('noise') under context.train, or "
    "nn.Dropout(rate, rng_collection='noise', deterministic=not context.train)"
)
COLLECTION = (
    "the lab keeps parameters in 'params', running statistics in 'state' and losses in 'aux', nothing else: make a statistic "
    "by self.variable('state', name, init, shape); nn.BatchNorm keeps its own in 'batch_stats', use the lab's norm 'batch_norm'"
)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn flax's errors about unknown streams and collections into ValueErrors."""
    try:
        yield
    except errors.InvalidRngError as error:
        raise ValueError(f'{_said(error)}; {STREAM}') from error
    except (errors.ScopeCollectionNotFound, errors.ModifyScopeVariableError, errors.ScopeVariableNotFoundError) as error:
        if '"params"' in str(error):  # of a block that makes a parameter in one mode alone: flax says it well
            raise
        raise ValueError(f'{_said(error)}; {COLLECTION}') from error


def variables_of(variables: Mapping) -> tuple[dict, dict]:
    """Parameters and running statistics among the variables of an init. Raises ValueError for an unknown collection."""
    unknown = sorted(set(variables) - set(COLLECTIONS))
    if unknown:
        raise ValueError(f'variables in {unknown}; allowed: {list(COLLECTIONS)}; {COLLECTION}')
    return variables.get('params', {}), variables.get('state', {})


def _said(error: Exception) -> str:
    return str(error).partition(' (https')[0]

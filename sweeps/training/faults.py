"""Faults: what a model raises is the result of its pack; what its surroundings raise stops the run and is recorded nowhere."""

import contextlib
from collections.abc import Iterator

import jax

from ablations.user_file import STOPS, in_words, of_user


class ModelFault(Exception):
    """A model could not be built, compiled or trained. Disks, data and settings have no part in it."""


@contextlib.contextmanager
def of_model() -> Iterator[None]:
    """Around what runs a model: whatever it raises becomes a ModelFault. What the device says, such as no memory, passes.

    >>> with of_model():
    ...     {}['lr']
    Traceback (most recent call last):
    sweeps.training.faults.ModelFault: KeyError: 'lr'
    """
    try:
        with of_user():
            yield
    except jax.errors.JaxRuntimeError:
        raise
    except STOPS as error:
        raise ModelFault(in_words(error)) from error


def lacks_memory(error: Exception) -> bool:
    """Whether a device, or a processor in the place of one, says that its memory is not enough.

    >>> lacks_memory(jax.errors.JaxRuntimeError('INTERNAL: Error dispatching computation: Out of memory allocating 8 bytes.'))
    True
    """
    return isinstance(error, jax.errors.JaxRuntimeError) and any(
        said in str(error) for said in ('RESOURCE_EXHAUSTED', 'Out of memory')
    )

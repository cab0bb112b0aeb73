"""Faults: what a model raises is the result of its pack; what its surroundings raise stops the run and is recorded nowhere."""

import contextlib
from collections.abc import Iterator

import jax

from ablations.user_file import STOPS, in_words, of_user
from sweeps.training.shortage import says_shortage


class ModelFault(Exception):
    """A model could not be built, compiled or trained. Disks, data and settings have no part in it."""


@contextlib.contextmanager
def of_model() -> Iterator[None]:
    """Around what runs a model: whatever it raises becomes a ModelFault. What the device says, and that memory lacks, passes.

    >>> with of_model():
    ...     {}['lr']
    Traceback (most recent call last):
    sweeps.training.faults.ModelFault: KeyError: 'lr'
    """
    try:
        with of_user():
            yield
    except (jax.errors.JaxRuntimeError, MemoryError):
        raise
    except STOPS as error:
        raise ModelFault(in_words(error)) from error


def lacks_memory(error: Exception) -> bool:
    """Whether a device, a processor in the place of one or Python says that its memory is not enough.

    >>> lacks_memory(jax.errors.JaxRuntimeError('INTERNAL: Error dispatching computation: Out of memory allocating 8 bytes.'))
    True
    """
    by_device = isinstance(error, jax.errors.JaxRuntimeError)
    return isinstance(error, MemoryError) or (by_device and says_shortage(str(error)))

"""Heard: programs of a contract check that write down what they gave, and how large and where it was."""

import functools
from collections.abc import Callable

import jax
import numpy as np

from arch.contracts.programs import Programs, weights


class Heard(Programs):
    """Programs that write down what their first call gave."""

    made: list[dict] = []

    def first(self, **made: object) -> None:
        if 'heard' not in self.notes:
            self.notes['heard'] = True
            self.made.append(made)

    @functools.cached_property
    def slopes(self) -> Callable:
        run = super().slopes

        def heard(*given: object, **more: object) -> tuple:
            made = run(*given, **more)
            (output, state), (by_params, by_x) = made
            self.first(output=output, state=state, by_params=by_params, by_x=by_x)
            return made

        return heard

    def outputs(self, train: bool, causal: bool) -> tuple[object, Callable]:
        program, run = super().outputs(train, causal)

        def heard(*given: object) -> jax.Array:
            made = run(*given)
            self.first(output=made)
            return made

        return program, heard


def measured(tree: object) -> list[float]:
    """The mean size of all numbers, and their mean by random weights: how large they are, and where."""
    leaves = [np.asarray(leaf, np.float64).ravel() for leaf in jax.tree.leaves(tree)]
    numbers = np.concatenate([*leaves, np.zeros(0)])
    return (
        [float(f'{one:.4g}') for one in (np.abs(numbers).mean(), (numbers * weights(numbers.shape)).mean())]
        if len(numbers)
        else []
    )


def told(made: list[dict]) -> list[list]:
    return [[what, *measured(tree)] for one in made for what, tree in one.items() if measured(tree)]

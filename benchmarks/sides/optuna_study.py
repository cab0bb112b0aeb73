"""Optuna study: tuning and confirmation of some arms on the digits by Optuna and PyTorch, in one process."""

import json
import math
import sys
from collections.abc import Mapping

import numpy as np
import optuna
import torch

from benchmarks.sides.pytorch_model import Model
from benchmarks.sides.pytorch_training import Trained, schedule


def drawn(shapes: Mapping[str, list[int]], seed: int) -> dict[str, np.ndarray]:
    """First parameters by the lab's rule: kernels of variance 1 / fan-in, scales 1, biases 0."""
    generator = torch.Generator().manual_seed(seed)
    params = {}
    for name, shape in shapes.items():
        kind = name.rpartition('/')[2]
        leaf = torch.ones(shape) if kind == 'scale' else torch.zeros(shape)
        if kind == 'kernel':
            deviation = math.prod(shape[:-1]) ** -0.5 / 0.87962566
            torch.nn.init.trunc_normal_(leaf, std=deviation, a=-2 * deviation, b=2 * deviation, generator=generator)
        params[name] = leaf.numpy()
    return params


class Examples:
    """The images of all splits, from the file that the benchmark wrote."""

    def __init__(self, file: str):
        told = np.load(file)
        self.x, self.y, self.test_x, self.test_y = (torch.from_numpy(told[name]) for name in ('x', 'y', 'test_x', 'test_y'))
        self.splits = {name: torch.from_numpy(told[name]) for name in told.files if name.startswith(('train_', 'held_'))}

    def batches(self, replicate: int, seed: int, steps: int, batch: int) -> torch.Tensor:
        """Which examples each step takes: shuffled epochs, one after the other. `[steps, batch]`"""
        train, generator = self.splits[f'train_{replicate}'], torch.Generator().manual_seed(seed)
        epochs = -(-steps * batch // len(train))
        order = torch.cat([train[torch.randperm(len(train), generator=generator)] for _ in range(epochs)])
        return order[: steps * batch].view(steps, batch)

    def scored(self, replicate: int, test: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """The images to score on: those of the test split, or held out of a replicate's training."""
        if test:
            return self.test_x, self.test_y
        held = self.splits[f'held_{replicate}']
        return self.x[held], self.y[held]


class Tuned:
    """An arm in a replicate: it trains the model of a recipe, and scores it."""

    def __init__(self, arm: dict, examples: Examples, replicate: int, steps: int, batch: int):
        self.arm, self.examples, self.replicate, self.steps, self.batch = arm, examples, replicate, steps, batch
        self.shares = schedule(steps)

    def score(self, seed: int, recipe: Mapping[str, float], test: bool) -> float:
        """The accuracy of the trained model."""
        trained = Trained(Model(self.arm['config'], drawn(self.arm['shapes'], seed)), **recipe)
        x, y = self.examples.x, self.examples.y
        for index, share in zip(self.examples.batches(self.replicate, seed, self.steps, self.batch), self.shares, strict=True):
            trained.step(x[index], y[index], share)
        held_x, held_y = self.examples.scored(self.replicate, test)
        with torch.inference_mode():
            return float((trained.model(held_x).argmax(-1) == held_y).float().mean())


def run(arms: dict, file: str, jobs: list, trials: int, seeds: int, steps: int, batch: int) -> dict[str, float]:
    """For each arm and replicate: tuning at random, the best recipe confirmed by fresh seeds. Gives the mean test scores."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    examples, means = Examples(file), {}
    for arm, replicate in jobs:
        tuned = Tuned(arms[arm], examples, replicate, steps, batch)

        def objective(trial: optuna.Trial, tuned: Tuned = tuned, replicate: int = replicate) -> float:
            lr = trial.suggest_float('lr', 1e-3, 1e-1, log=True)
            decay = trial.suggest_float('weight_decay', 1e-3, 1.0, log=True)
            return tuned.score(1000 * replicate + trial.number, {'lr': lr, 'weight_decay': decay}, test=False)

        study = optuna.create_study(direction='maximize', sampler=optuna.samplers.RandomSampler(seed=replicate))
        study.optimize(objective, n_trials=trials)
        scores = [tuned.score(10**6 + 1000 * replicate + seed, study.best_params, test=True) for seed in range(seeds)]
        means[f'{arm}, {replicate}'] = sum(scores) / seeds
    return means


if __name__ == '__main__':
    print(json.dumps(run(**json.loads(sys.argv[1]))))

"""PyTorch training: the lab's recipe in PyTorch. Nothing here loads jax, which whoever writes PyTorch does not load either."""

import math

import torch

from benchmarks.sides.pytorch_model import Model

WARMUP = 0.1


def schedule(steps: int) -> list[float]:
    """The lab's schedule by step: linear over a tenth of the steps, then half a cosine to 0."""
    shares = []
    for step in range(steps):
        along = (step / steps - WARMUP) / (1 - WARMUP)
        rising = min((step + 1) / max(WARMUP * steps, 1), 1)
        shares.append(rising if step / steps < WARMUP else 0.5 * (1 + math.cos(math.pi * along)))
    return shares


def optimizer_of(model: torch.nn.Module, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """The lab's AdamW: matrices, filters and tables decay, vectors do not; one kernel for all parameters."""
    decayed = [one for one in model.parameters() if one.ndim > 1]
    others = [one for one in model.parameters() if one.ndim < 2]
    groups = [{'params': decayed, 'weight_decay': weight_decay}, {'params': others, 'weight_decay': 0.0}]
    return torch.optim.AdamW([group for group in groups if group['params']], lr, (0.9, 0.99), 1e-8, fused=True)


class Trained:
    """A model in training: `step` takes a batch and the schedule's share of the learning rate, and gives the loss."""

    def __init__(self, model: Model, lr: float, weight_decay: float, way: str = 'eager'):
        self.model, self.lr = model, lr
        self.optimizer = optimizer_of(model, lr, weight_decay)
        self.loss = torch.compile(model.loss) if way == 'compiled' else model.loss
        self.parameters = list(model.parameters())

    def step(self, x: torch.Tensor, y: torch.Tensor, share: float) -> torch.Tensor:
        loss = self.loss(x, y)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for group in self.optimizer.param_groups:
            group['lr'] = self.lr * share
        self.optimizer.step()
        return loss.detach()

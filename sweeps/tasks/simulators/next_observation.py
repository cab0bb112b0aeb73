"""next_observation: what will be seen of a simulator, given what was seen."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from sweeps.tasks.losses import BITS_PER_NAT, answers
from sweeps.tasks.simulators.episodes import Episodes
from sweeps.tasks.simulators.watched import MOST, Watched

ASKED = ('every', 'last')


@dataclasses.dataclass(frozen=True)
class NextObservation(Watched):
    """The observation `horizon` events ahead, token by token, given all observations so far (docs/simulators.md).

    An example is `events` observations in one `form`. With `asked='every'` each but the first is predicted from all before it.
    With `asked='last'` only the last one is, which comes `horizon` events after the one before it: those between are neither
    shown nor asked. Within an observation a token is told from the past and from the observation's earlier tokens. So the bits
    of its tokens add up to -log2 p(observation | past), in pixels and in symbols alike.

    Source: made by the lab, no licence. Split: 512 sealed episodes, `train` + `held` others, no episode on two sides, the same
    in both forms. Metric: bits per event (lower is better), margin 0.05; chance is a uniform guess among all observations that
    there are: 8.785 bits of balls, 5.615 of doors. Who knows the rules but sees no past needs `marginal_bits` (8.37 and 4.67),
    and the exact filter, the best that there is, `least_bits` (1.558 and 1.577). Reached scores stand beside the tasks in
    ablations/tasks/simulated_tasks.py.
    """

    NAME = 'next_observation'
    METRIC, SCALE = ('bits', 'lower'), BITS_PER_NAT

    horizon: int = 1
    asked: str = 'every'

    def __post_init__(self):
        super().__post_init__()
        if not 1 <= self.horizon <= MOST:
            raise ValueError(f"task '{self.NAME}': horizon={self.horizon}; allowed: 1 (the next event) to {MOST}; change it")
        if self.asked not in ASKED:
            raise ValueError(f"task '{self.NAME}': asked='{self.asked}'; allowed: {list(ASKED)}; choose one")
        if self.horizon > 1 and self.asked == 'every':
            raise ValueError(
                f"task '{self.NAME}': horizon={self.horizon} with asked='every', where a model reads the events between; "
                "allowed: asked='last'; give it, or horizon=1"
            )

    @property
    def episodes(self) -> Episodes:
        return dataclasses.replace(super().episodes, horizon=self.horizon)

    @property
    def scored(self) -> int:
        """How many observations of an example are predicted."""
        return self.events - 1 if self.asked == 'every' else 1

    def written(self, seen: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        tokens = self.made.written(seen, self.form)
        asked = np.broadcast_to(np.arange(self.events)[:, None] >= self.events - self.scored, tokens.shape[1:]).reshape(-1)
        tokens = tokens.reshape(len(tokens), -1)
        return tokens[:, :-1], np.where(asked, tokens, np.int32(-1))[:, 1:]

    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """Nats per predicted observation, as loss and as metric: scores `[B, N, V]`, y `[B, N] -> [B], [B]`."""
        loss = answers(scores, y, label_smoothing)[0] * (y >= 0).sum(-1).astype(jnp.float32) / self.scored
        return loss, loss

    def messages(self, sealed: bool) -> list[bytes]:
        """The episodes, a byte for each token; the observations that are never asked for are given."""
        arrays = self.test() if sealed else self.pool()
        return [row.tobytes() for row in np.concatenate([arrays.x, arrays.y[:, -1:]], 1).astype(np.uint8)]

    def given(self) -> int:
        return (self.events - self.scored) * self._event

    def bits_per_byte(self) -> float:
        """One over the tokens of an event."""
        return 1 / self._event

    @property
    def _event(self) -> int:
        """How many tokens an event has."""
        return self.made.written(np.zeros(self.made.parts, np.int64), self.form).size

    def least_bits(self, sealed: bool = True) -> float:
        """Bits per event of the exact filter on the sealed episodes, or on the pool: the floor, but for chance."""
        return self._mean_bits(sealed, known=True)

    def marginal_bits(self, sealed: bool = True) -> float:
        """The same for who knows the rules and sees no past."""
        return self._mean_bits(sealed, known=False)

    def _mean_bits(self, sealed: bool, known: bool) -> float:
        seen = self.episodes.apart((self.episodes.test() if sealed else self.episodes.pool()).x)
        if known and self.linked:
            bits = self.made.bits(seen, self.horizon)
        else:
            bits = self.made.alone_bits(seen)[:, 1:]
        return float(bits[:, -self.scored :].mean())

"""paired_scenes: pairs of modalities that are to meet, or masked: binding through a hub, and what captions do not teach."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from sweeps.metrics.hits import Probe, Retrieval
from sweeps.metrics.measure import Measure
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.batch_order import order_by_domain
from sweeps.tasks.contrast import TEMPERATURE, contrast
from sweeps.tasks.kind import Kind
from sweeps.tasks.lessons import MOST, SHARES, knobs_of, tuned_shares
from sweeps.tasks.losses import next_token
from sweeps.tasks.masking import SHARE, SHOWN, hide
from sweeps.tasks.modalities import ATTRIBUTES, COUNTS, LENGTH, MASK, MODALITIES, SOURCES, VOCABULARY, written

SCENE, MODALITY = 0, 1
"""Places in a target, before the six attributes. Targets are numbers, because integers would be taken for classes."""
TOLD = 8
"""Places of a target in all; behind them stand the tokens that a masked lesson hides, one for each token of the example."""


@dataclasses.dataclass(frozen=True)
class PairedScenes(Kind):
    """Contrastive learning of made scenes in several modalities by one model (2305.05665, 2401.06209; docs/pairs.md).

    `pairs` are the pairs of modalities that training shows, such as ('picture', 'words'); how often each is a value of
    training (`domain_weight_1`, ...). Those of `masked` are further lessons, weighted after the others: both examples of such a
    pair have a `mask_share` of their tokens hidden, and the loss is what it takes to tell these, in nats a token (BERT,
    1810.04805; BEiT, 2106.08254). Then a model gives D + V scores at each token, such as head 'per_token' does: the means of
    the first D are the vector of an example, the other V tell the token. `scored` is a pair, by retrieval; with `probed` it is
    an attribute instead, by a linear probe on pictures, which reads the means of all scores. Where not `bound`, sounds are
    those of other scenes: a control. Captions leave out the attribute `left_out` at a `rate`.

    Source: `pictures` 'blocks' are made by the lab, no licence: 864 scenes, every eighth sealed by its hash. 'digits' are those
    of task digits (CC BY 4.0), two in a scene: every eighth of 5,400 is sealed, 128 of these are asked, with its sealed digits.
    A replicate holds out whole scenes, about `held` of 2,048 examples (their digits may stand in other scenes too), and learns
    from `train` (0: all) of the others. Metric: the share of right answers (higher is better). Of a pair: the nearest among one
    example of each held scene, both ways; chance is 1 over their number, 110 sealed ones of blocks, 128 of digits. Of an
    attribute: that of the first figure, or the quarters of both; chance 1/3 (colour), 1/4 (figure; of digits 1/10), 1/6
    (quarter). Scores of small models stand in LOG.md.
    """

    pairs: tuple = (('picture', 'words'), ('picture', 'sound'))
    scored: tuple = ('words', 'sound')
    probed: str = ''
    bound: bool = True
    left_out: str = ''
    rate: float = 1.0
    pictures: str = 'blocks'
    masked: tuple = ()
    train: int = 0
    held: int = 256

    NAME, METRIC = 'paired_scenes', ('accuracy', 'higher')

    def __post_init__(self):
        pairs, masked = (list(given) if isinstance(given, (tuple, list)) else [()] for given in (self.pairs, self.masked))
        wrong = [pair for pair in pairs + masked if len(pair) != 2 or len(set(pair)) != 2 or not set(pair) <= set(MODALITIES)]
        if wrong or not pairs or len(pairs + masked) > MOST:
            raise ValueError(
                f"task '{self.NAME}': pairs={self.pairs!r}, masked={self.masked!r}; allowed: one to {MOST} pairs of two of "
                f'{list(MODALITIES)}, both together, at least one of them not masked; change them'
            )
        if self.pictures not in SOURCES:
            raise ValueError(f"task '{self.NAME}': pictures={self.pictures!r}; allowed: {list(SOURCES)}; choose one")
        if len(set(self.scored)) != 2 or not set(self.scored) <= set(MODALITIES):
            raise ValueError(f"task '{self.NAME}': scored={self.scored!r}; allowed: a pair of {list(MODALITIES)}; choose two")
        for name in ('probed', 'left_out'):
            if getattr(self, name) not in ('', *ATTRIBUTES):
                raise ValueError(
                    f"task '{self.NAME}': {name}={getattr(self, name)!r}; allowed: '' (none) or one of {list(ATTRIBUTES)}"
                )
        if not 0 <= self.rate <= 1:
            raise ValueError(f"task '{self.NAME}': rate={self.rate}; allowed: 0 to 1; change it")
        for name, least in {'train': 0, 'held': 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"task '{self.NAME}': {name}={getattr(self, name)}; allowed: {least} or more; raise it")

    @property
    def knobs(self) -> dict[str, float]:
        told = knobs_of(SHARES, self._lessons)
        del told['size_exponent']
        return {**told, 'mask_share': SHARE} if self.masked else told

    @property
    def _lessons(self) -> int:
        return len(self.pairs) + len(self.masked)

    @property
    def loss_knobs(self) -> dict[str, float]:
        return {'temperature': TEMPERATURE}

    @property
    def measure(self) -> Measure:
        return Probe() if self.probed else Retrieval()

    def losses(
        self,
        scores: jax.Array,
        y: jax.Array,
        label_smoothing: jax.Array | None = None,
        temperature: jax.Array | float = TEMPERATURE,
    ) -> tuple[jax.Array, jax.Array]:
        """The loss of each example and its statistics: scores `[B, D]`, y `[B, 8] -> [B], [B, D + 2]`.

        With masked lessons scores are `[B, N, D + V]`, and `draw` adds the hidden tokens to the targets, `[B, 8 + N]`.
        """
        y = y.astype(jnp.int32)
        scene, modality = y[:, SCENE], y[:, MODALITY]
        means = scores.astype(jnp.float32).mean(1) if self.masked else scores.astype(jnp.float32)
        vectors = means[:, : means.shape[1] - self.token_count()] if self.masked else means
        own = [means, self._value(y), scene] if self.probed else [vectors, scene, modality]
        loss = contrast(vectors, scene, modality, temperature)
        if y.shape[1] > TOLD:
            hidden = next_token(scores[..., vectors.shape[1] :], y[:, TOLD:])[0]
            loss = jnp.where(modality < len(MODALITIES), loss, hidden)
        return loss, jnp.column_stack(own)

    def draw(self, key: jax.Array, x: jax.Array, y: jax.Array, knobs: Mapping[str, jax.Array]) -> tuple:
        """The batch with tokens hidden in its masked examples, which the targets tell."""
        if not self.masked:
            return super().draw(key, x, y, knobs)
        shown = (y[:, MODALITY] < len(MODALITIES))[:, None]
        hidden, told = hide(key, x, knobs.get('mask_share', SHARE), MASK)
        return jnp.where(shown, x, hidden), ((jnp.concatenate([y, jnp.where(shown, SHOWN, told)], 1), None),)

    def _value(self, y: jax.Array) -> jax.Array:
        """The attribute that is probed: of the first figure, or both quarters."""
        first = y[:, 2 + ATTRIBUTES.index(self.probed)]
        return 4 * first + y[:, 5] if self.probed == 'quarter' else first

    def check_scores(self, scores: tuple[int, ...], y: tuple[int, ...]) -> None:
        if not self.masked and len(scores) != 2:
            raise ValueError(f"task '{self.NAME}': scores {list(scores)}; allowed: a vector for each example, [B, D]")
        if self.masked and (len(scores) != 3 or scores[1] != LENGTH or scores[2] <= self.token_count()):
            raise ValueError(
                f"task '{self.NAME}': scores {list(scores)}; allowed: [B, {LENGTH}, D + {self.token_count()}], because "
                f"lessons are masked; take head 'per_token' with outputs above {self.token_count()}"
            )

    def token_count(self) -> int:
        blocks = self.pictures == 'blocks' and not self.masked
        return VOCABULARY if blocks else SOURCES[self.pictures].tokens

    def pool_size(self) -> int:
        return self._copies * len(MODALITIES) * COUNTS['pool']

    @property
    def _copies(self) -> int:
        """How often the pool has a modality: a second time for its masked examples."""
        return 2 if self.masked else 1

    def pool(self) -> Arrays:
        """All modalities of all drawn scenes, one modality after the other; then again, as those that are to be masked."""
        x, scene, attributes = written(False, self.left_out, self.rate, self.pictures)
        if not self.bound:
            # Those of a scene that is half the list away.
            by_scene = np.argsort(scene, kind='stable')
            x[2][by_scene] = x[2][np.roll(by_scene, len(scene) // 2)]
        count = len(scene)
        sides = range(self._copies * len(MODALITIES))
        y = np.concatenate([np.column_stack([scene, np.full(count, side), attributes]) for side in sides])
        x = np.tile(x.reshape(-1, LENGTH), (self._copies, 1))
        return Arrays(x, y.astype(np.float32), np.tile(scene, len(sides)))

    def test(self) -> Arrays:
        x, scene, attributes = written(True, '', 0.0, self.pictures)
        return self._scored_of(x, scene, attributes, np.arange(len(scene)))

    def _scored_of(self, x: np.ndarray, scene: np.ndarray, attributes: np.ndarray, chosen: np.ndarray) -> Arrays:
        """What is scored of these examples, in pairs: one of each scene in both modalities, or all pictures and views."""
        if self.probed:
            sides, own = [MODALITIES.index(name) for name in ('picture', 'view')], chosen
        else:
            sides = [MODALITIES.index(name) for name in self.scored]
            own = chosen[np.unique(scene[chosen], return_index=True)[1]]
        picked = x[sides][:, own].swapaxes(0, 1).reshape(-1, LENGTH)
        told = [np.column_stack([scene[own], np.full(len(own), side), attributes[own]]) for side in sides]
        y = np.stack(told, 1).reshape(-1, told[0].shape[-1]).astype(np.float32)
        return Arrays(picked, y, np.repeat(scene[own], len(sides)))

    def part(self, arrays: Arrays, chosen: np.ndarray) -> Arrays:
        """The scored modalities among these examples of the pool."""
        count = COUNTS['pool']
        x = arrays.x.reshape(-1, count, LENGTH)
        y = arrays.y[:count].astype(int)
        own = np.unique(np.asarray(chosen) % count)
        return self._scored_of(x, y[:, SCENE], y[:, 2:], own)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """All modalities of the training examples, and the pictures of the held ones; no scene is in both."""
        count, generator = COUNTS['pool'], np.random.default_rng(seed)
        scene = pool.group[:count]
        rank = np.argsort(generator.permutation(scene.max() + 1))[scene]
        last = np.sort(rank)[self.held - 1] if self.held <= count else count
        held, rest = np.flatnonzero(rank <= last), np.flatnonzero(rank > last)
        if len(rest) < max(self.train, 1):
            raise ValueError(f"task '{self.NAME}': held={self.held} and train={self.train} of {count} examples; ask for fewer")
        learned = np.sort(generator.choice(rest, self.train, replace=False)) if self.train else rest
        modalities = count * np.arange(self._copies * len(MODALITIES))[:, None]
        return (modalities + learned).ravel(), np.sort(generator.choice(held, self.held, replace=False))

    def example_order(self, pool: Arrays, train: np.ndarray, seed: int, steps: int, batch: int, knobs: Mapping) -> np.ndarray:
        """Pairs side by side: both modalities of an example, of masked pairs those to be masked. `[steps, batch]`"""
        if batch % 2:
            raise ValueError(
                f"task '{self.NAME}': a batch of {batch} examples; allowed: an even number, because they are pairs"
            )
        count, types = COUNTS['pool'], self._lessons
        own = np.unique(train % count)
        known = {name: value for name, value in knobs.items() if name in self.knobs}
        shares = tuned_shares(np.full(types, 1 / types), np.ones(types), known)
        which = np.repeat(np.arange(types), len(own))
        chosen = order_by_domain(seed, np.arange(types * len(own)), which, np.tile(shares, (steps, 1)), batch // 2)
        sides = np.array([[MODALITIES.index(name) for name in pair] for pair in (*self.pairs, *self.masked)])
        sides[len(self.pairs) :] += len(MODALITIES)
        rows = sides[which[chosen]] * count + own[chosen % len(own)][..., None]
        return rows.reshape(steps, batch).astype(np.int32)

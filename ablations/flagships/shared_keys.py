"""How much is lost where heads share keys and values, at equal parameters?

All heads with their own, two heads to a pair, all heads with one, and keys and values from one latent vector. What an arm saves
its hidden channels get.
"""

from ablations.config import put, swap
from ablations.flagships.flagship import Flagship
from ablations.flagships.rungs import ADAMW, ROTARY, RUNGS, Rung, texts
from ablations.study import Study

_HEADS = 4


def _shared(pairs: int) -> tuple:
    """Attention with so many pairs of keys and values; a hidden channel more for each channel of them that is saved."""
    saved = 1 - pairs / _HEADS
    return (
        swap('mixer', 'grouped_query_attention', heads=_HEADS, kv_heads=pairs, biases='none'),
        put('channel.ratio', 4.0 + saved),
    )


def _latent(width: int) -> tuple:
    """Keys and values from half as many channels, and turned keys of half a head, for which a few hidden channels pay."""
    size = width // _HEADS
    return (
        swap('mixer', 'latent_attention', heads=_HEADS, head_size=size, turned=size // 2, latent=width // 2),
        put('channel.ratio', 4.0 - 1 / 16),
    )


def _at(rung: Rung) -> Study:
    return Study(
        name=f'shared_keys_{rung.name}',
        question=__doc__,
        arms={
            'own': (),
            'pairs_of_heads': _shared(2),
            'one_for_all': _shared(1),
            'latent': _latent(rung.width),
        },
        tasks=texts(rung, swap('mixer', 'attention', heads=_HEADS, biases='none'), ROTARY),
        tune=ADAMW,
        share=True,
    )


flagship = Flagship(
    name='shared_keys',
    claim='Heads can share their keys and values at hardly any loss.',
    papers=('1911.02150', '2305.13245', '2405.04434'),
    rungs=RUNGS,
    at=_at,
)

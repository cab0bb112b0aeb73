"""Large models on several devices that are not here: time and memory of a plan against counts by hand."""

import pytest

from ablations.study import Study, task
from arch.published import MODELS
from results.store.reading import Reading
from sweeps.forecast import forecast
from sweeps.protocol.plan import schedule


@pytest.mark.slow
@pytest.mark.parametrize(
    ('model', 'name', 'data', 'flops', 'weights'),
    [
        # Of each token 6 x parameters in products, and attention's 12 x layers x tokens x width; of each image 3 x 2 x 15.4 G.
        ('gpt2_medium', 'fineweb', {'length': 1024}, 8 * 1024 * (6 * 353.8e6 + 12 * 24 * 1024 * 1024), 24 * 354.8e6),
        ('convnext_base', 'imagenet', {}, 8 * 6 * 15.4e9 * (64 / 224) ** 2, 24 * 88.6e6),
    ],
)
def test_large_models_are_planned_as_counted_by_hand(model, name, data, flops, weights):
    known = task(name)
    large = task(name, base=MODELS[model].config, data=known.data | data, batch=8)
    asked = Study(name='large', question='?', arms={'base': ()}, tasks=(large,), trials=2, replicates=2)
    reading = Reading(asked, schedule(asked, {}, {}), {}, {})
    facts = forecast(reading, 'a100', 8)
    row = facts['budget']['base'][name]
    assert row['flops'] / row['steps'] == pytest.approx(flops, rel=0.06)
    needs = facts['on_device']['needs']
    assert needs['weights'] == pytest.approx(weights, rel=1e-3) and needs['fits'] and needs['model'] == 1
    # Each device sends 7 eighths of 4 bytes a parameter twice, by 300 GB/s.
    exchanged = facts['expected'] * large.steps * 2 * 7 / 8 * weights / 24 * 4 / 300e9
    seconds = facts['expected'] * large.steps * flops / (8 * 156e12 * 0.3)
    assert facts['on_device']['exchange_seconds'] == pytest.approx(exchanged, rel=1e-3)
    assert facts['on_device']['seconds'] == pytest.approx(seconds + exchanged, rel=0.06)

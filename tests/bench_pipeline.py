"""Benchmark of the input pipeline: 50,000 small JPEGs prepared, read, and streamed while a model trains. Run: make bench

Says how many images a second are prepared and read, how long a training step takes with the images on the device and with
the images streamed, and how much memory an epoch takes.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from PIL import Image

from ablations.tasks.bases import convnext
from arch.model import build
from sweeps.datasets.material import Options
from sweeps.datasets.prepare import prepare
from sweeps.tasks.batch_order import batch_order
from sweeps.tasks.images import Images
from sweeps.training.loop import make_training
from sweeps.training.population import Population
from sweeps.training.stream import Stream

IMAGES, SIZE, CLASSES, BATCH, STEPS, EPOCHS = 50_000, 64, 10, 64, 60, 4


def resident() -> float:
    """MB of memory of this process that no file stands behind, and of files that are mapped."""
    lines = Path('/proc/self/status').read_text().splitlines()
    sizes = {line.split(':')[0]: int(line.split()[1]) for line in lines if line.startswith('Rss')}
    return (sizes['RssAnon'] + sizes['RssFile']) / 1024


def make_images(folder: Path) -> None:
    """Folders of JPEGs as ImageNet has them: noise over a colour of the class."""
    generator = np.random.default_rng(0)
    for split, count in (('train', IMAGES), ('test', 500)):
        for number in range(count):
            place = folder / split / f'class_{number % CLASSES}'
            if number < CLASSES:
                place.mkdir(parents=True)
            shade = generator.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(shade).resize((SIZE, SIZE), Image.Resampling.BILINEAR).save(place / f'{number}.JPEG', quality=80)


def main() -> None:
    place = Path(tempfile.mkdtemp(prefix='archlab-bench-'))
    try:
        began = time.perf_counter()
        make_images(place / 'source')
        print(f'{IMAGES:,} JPEGs of {SIZE} x {SIZE} made: {time.perf_counter() - began:.0f} s')
        began, before = time.perf_counter(), resident()
        prepare('image_folder', place / 'source', place / 'data', 'bench', Options(size=SIZE))
        seconds = time.perf_counter() - began
        print(f'prepared: {IMAGES / seconds:,.0f} images/s, {resident() - before:+.0f} MB')
        stream(place / 'data')
    finally:
        shutil.rmtree(place)


def stream(data: Path) -> None:
    """Some epochs read alone, then steps of training with images on the device and streamed."""
    os.environ['ARCHLAB_DATA'] = str(data)
    task = Images(dataset='bench', held=500)
    pool = task.pool()
    inside, held = task.split(pool, 0)
    arrays = {'x': pool.x, 'y': pool.y}
    epoch = len(inside) // BATCH
    order = batch_order(0, inside, EPOCHS * epoch, BATCH)
    stream, sizes, began = Stream(arrays, order), [], time.perf_counter()
    for step in range(len(order)):
        stream.at(step)
        if (step + 1) % epoch == 0:
            sizes.append(f'{resident():.0f}')
    rate = order.size / (time.perf_counter() - began)
    print(f'read alone: {rate:,.0f} images/s; memory after each of {EPOCHS} epochs: {", ".join(sizes)} MB')
    model = build(convnext(CLASSES, 8, [32], [2], 7))
    knobs = {'lr': np.float32(1e-3), 'weight_decay': np.float32(0.05)}
    lane = {'seed': np.uint32(0), 'order': order[:STEPS], 'knobs': knobs}
    scored = {'x': np.asarray(pool.x[held[:64]]), 'y': np.asarray(pool.y[held[:64]])}
    for streamed in (False, True, False, True):
        population = Population(make_training(model, task, 'adamw', STEPS, BATCH, 1, streamed), 'loop', streamed=streamed)
        source = arrays if streamed else jax.device_put({name: np.asarray(part) for name, part in arrays.items()})
        population.run([lane], source, scored)
        began = time.perf_counter()
        population.run([lane], source, scored)
        seconds = time.perf_counter() - began
        where = 'streamed' if streamed else 'on the device'
        print(f'training, {where}: {1e3 * seconds / STEPS:.1f} ms a step, {STEPS * BATCH / seconds:,.0f} images/s')


if __name__ == '__main__':
    sys.exit(main())

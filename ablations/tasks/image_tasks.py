"""Image tasks: classes of images, and their pixels as a language, over prepared sets, as data for `ablations.tasks`.

Budgets are those of a lab: enough to tell architectures apart, far from the last percent. "Measured" is the base below in its
budget under AdamW at the stated learning rate and weight decay 0.05, one seed, on the sealed test split, with the seconds of
one CPU core; "published" is what the named source states for larger models and budgets. Sources, licences and splits stand in
the catalog of the datasets (`archlab data list`).
"""

import math
from collections.abc import Callable

from ablations.tasks import bases
from ablations.tasks.decoders import decoder, sizes

_CROP = [{'kind': 'crop', 'padding': 4}, {'kind': 'flip'}]
"""The usual augmentation of small photos (1512.03385): 4 pixels of zeros around, a random crop, mirror images."""


def _classes(name: str, count: int, base: Callable[[int], dict], steps: int, batch: int, margin: float, **data: object) -> dict:
    return {
        'dataset': name,
        'domain': 'images',
        'metric': 'accuracy',
        'unit': 'share of images',
        'direction': 'higher',
        'chance': 1 / count,
        'margin': margin,
        'steps': steps,
        'batch': batch,
        'evaluations': 4,
        'data': {'kind': 'images', 'dataset': name, **data},
        'base': base(count),
    }


def _pixels(name: str, height: int, channels: int, steps: int, batch: int, **fields: int) -> dict:
    """The bytes of images that are stored `height` pixels high; `fields` are those of the kind."""
    data = {'kind': 'pixels', 'dataset': name, **fields}
    return {
        'dataset': name,
        'domain': 'pixels',
        'metric': 'bits',
        'unit': 'bits per dimension',
        'direction': 'lower',
        'chance': math.log2(sizes(data, height=height, channels=channels).vocabulary),
        'margin': 0.02,
        'steps': steps,
        'batch': batch,
        'evaluations': 4,
        'data': data,
        'base': decoder(
            data, 48, 2, {'kind': 'attention', 'heads': 4, 'biases': 'needed'}, 4.0, height=height, channels=channels
        ),
    }


def _small(count: int) -> dict:
    return bases.convnext(count, patch=2, widths=[24, 48], depths=[1, 2], kernel=3)


def _photos(count: int) -> dict:
    return bases.convnext(count, patch=4, widths=[64, 128], depths=[2, 2], kernel=5)


def _larger_photos(count: int) -> dict:
    return bases.convnext(count, patch=8, widths=[64, 128], depths=[2, 2], kernel=5)


def _imagenet(count: int) -> dict:
    return bases.convnext(count, patch=8, widths=[128, 256, 512], depths=[2, 4, 2], kernel=5)


IMAGES = {
    # MNIST (LeCun et al. 1998). Not measured. Published: a simple network 0.991, PreActResNet-18 0.996 (README of KMNIST).
    'mnist': _classes('mnist', 10, _small, steps=1200, batch=64, margin=0.002),
    # Fashion-MNIST (1708.07747). Measured: 0.907 at 4e-3 in 119 s. Published: two convolutions 0.876 to 0.916, people without
    # training 0.835 (both its README).
    'fashion_mnist': _classes('fashion_mnist', 10, _small, steps=2400, batch=64, margin=0.005),
    # Kuzushiji-MNIST (1812.01718). Not measured. Published: a simple network 0.946, PreActResNet-18 0.978 (its README).
    'kmnist': _classes('kmnist', 10, _small, steps=2400, batch=64, margin=0.005),
    # EMNIST Balanced (1702.05373): digits and letters, 28 x 28, 47 classes. Neither measured nor looked up.
    'emnist_balanced': _classes('emnist_balanced', 47, _small, steps=2400, batch=64, margin=0.005),
    # CIFAR-10 (Krizhevsky 2009). Measured with 8,000 of the first 10,000 images: 0.638 at 3e-3 in 202 s. Published, all
    # 50,000: ResNet-20 0.913 (1512.03385), WRN-28-10 0.960 (1605.07146).
    'cifar10': _classes('cifar10', 10, _photos, steps=2400, batch=64, margin=0.01, held=2000, augment=_CROP),
    # CIFAR-100. Not measured. Published, all 50,000: WRN-28-10 0.808 (1605.07146).
    'cifar100': _classes('cifar100', 100, _photos, steps=6400, batch=64, margin=0.01, augment=_CROP),
    # Tiny ImageNet (CS231N, 2015), 64 x 64, 200 classes. Neither measured nor looked up.
    'tiny_imagenet': _classes('tiny_imagenet', 200, _larger_photos, steps=6400, batch=128, margin=0.01, augment=_CROP),
    # ImageNet-1k (1409.0575) at 64 x 64, five epochs. Not measured. Published at this size: WRN-36-5 0.677 (1707.08819).
    'imagenet': _classes(
        'imagenet',
        1000,
        _imagenet,
        steps=25000,
        batch=256,
        margin=0.005,
        held=20000,
        augment=[{'kind': 'random_resized_crop', 'scale_low': 0.25}, {'kind': 'flip'}],
    ),
}

PIXELS = {
    # Measured at 6e-3: digits 2.01 (weight decay 0.05, 22 s), Fashion-MNIST at 14 x 14 3.77 (0.1, 248 s), CIFAR-10 at 8 x 8
    # 6.08 (0.1, 69 s).
    'digits_pixels': _pixels('digits', 8, 1, steps=400, batch=32),
    'fashion_mnist_pixels': _pixels('fashion_mnist', 28, 1, steps=600, batch=16, size=14, held=512),
    'cifar10_pixels': _pixels('cifar10', 32, 3, steps=600, batch=16, size=8, held=512),
}

"""Own bases: the model that a task of a user's own starts from, by the form of its inputs; all are small.

A task states another one by `base=`: a config of `ablations.tasks.bases`, that of a task of the lab, or a published model's.
"""

from ablations.tasks import bases

ATTENTION = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
SMALLEST_MAP = 8
"""Positions on the shorter side that patches leave at least."""
POSITIONS = 64
"""Positions of a series after its stem, about."""


FEATURES = 128
"""Features of a table up to which each is a position of its own."""


def of_any(kind: str, form: str, outputs: int, shape: list[int] | None, length: int, vocabulary: int) -> dict:
    """The base for a kind of set and a form of target: `shape` of a dense example, `length` of a ragged one.

    Targets at each place get a head that gives them back at the resolution of the input.
    """
    if kind in ('images', 'maps'):
        return of_maps(outputs, *shape[:2]) if form == 'map' else of_images(outputs, *shape[:2])
    if kind == 'tables':
        return of_table(outputs, shape[0]) if shape[0] <= FEATURES else bases.rows(outputs, width=64, depth=2)
    if kind in ('series', 'sounds'):
        steps = length if kind == 'sounds' else shape[0]
        return of_series(outputs, steps, per_step=form == 'map')
    return of_sequence(outputs, vocabulary, length, per_token=form == 'map')


def of_images(outputs: int, height: int, width: int) -> dict:
    """A small ConvNeXt of two stages; the largest patch with maps of at least SMALLEST_MAP, of sides that halve.

    Raises ValueError where no patch does.

    >>> of_images(10, 28, 28)['stem']['patch'], of_images(10, 64, 96)['stem']['patch']
    (2, 8)
    """
    fits = [patch for patch in (1, 2, 4, 8, 16) if height % (2 * patch) == 0 and width % (2 * patch) == 0]
    if not fits:
        raise ValueError(
            f'images of {height} x {width} pixels cannot be halved, which the base of images does; give size=, such as '
            f'{max(8, height // 8 * 8)}, or base='
        )
    patch = max((patch for patch in fits if min(height, width) // patch >= SMALLEST_MAP), default=fits[0])
    small = max(height, width) <= 32
    return bases.convnext(outputs, patch, widths=[24, 48] if small else [48, 96], depths=[1, 2], kernel=3 if small else 5)


def of_maps(outputs: int, height: int, width: int) -> dict:
    """The base of images with a class for each pixel: patches of 2, one stage more, scores back by sub-pixels."""
    if height % 4 or width % 4:
        raise ValueError(f'images of {height} x {width} pixels; allowed for a class at each: sides that 4 divides; give size=')
    base = bases.convnext(outputs, patch=2, widths=[24, 48], depths=[1, 2], kernel=3)
    return {**base, 'head': {'kind': 'pixel_shuffle', 'outputs': outputs, 'factor': 4}}


def of_sounds(outputs: int, frames: int, mels: int) -> dict:
    """A small ConvNeXt over maps of time and pitch, in patches of 4; it matters where in a map something stands."""
    return {
        **bases.convnext(outputs, patch=4, widths=[48, 96], depths=[1, 1], kernel=5),
        'position': {'kind': 'learned', 'length': (frames // 4) * (mels // 4)},
    }


def of_series(outputs: int, length: int, per_step: bool = False) -> dict:
    """A small model over steps that begins with one convolution: depthwise convolutions, mean of the positions.

    With a class for each step no step is left out.
    """
    factor = 1 if per_step else max(1, length // POSITIONS)
    mixer = {'kind': 'depthwise_conv', 'kernel': 7 if length // factor >= 7 else 3, 'bias': True}
    base = bases.waveform(outputs, kernel=max(2 * factor, 3), factor=factor, width=32, depth=2, mixer=mixer)
    return {**base, 'head': {'kind': 'per_token', 'outputs': outputs, 'factor': 1}} if per_step else base


def of_table(outputs: int, features: int) -> dict:
    """Attention between the features of a row, each with an embedding of its own (2106.11959): a position a feature."""
    return {
        **bases.waveform(outputs, kernel=1, factor=1, width=32, depth=2, mixer=ATTENTION),
        'block': {'kind': 'two_branch'},
        'position': {'kind': 'learned', 'length': features},
    }


def of_sequence(outputs: int, vocabulary: int, length: int, per_token: bool = False) -> dict:
    """A small transformer over tokens that sees all of them at once, and averages its positions or gives scores to each."""
    make = bases.labelled_tokens if per_token else bases.texts
    return make(vocabulary, length, outputs=outputs, width=64, depth=2, mixer=ATTENTION)


def of_language(vocabulary: int, length: int) -> dict:
    """A small causal transformer over tokens, with learned positions, so that any causal mixer can stand in it."""
    return bases.decoder(vocabulary, length, width=64, depth=2, mixer=ATTENTION, ratio=4.0)

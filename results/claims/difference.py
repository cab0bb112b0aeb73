"""Difference: what one model config has otherwise than another, and the kinds that a config is made of."""

from collections.abc import Iterator, Mapping


def differences(before: Mapping, after: Mapping) -> list[dict]:
    """{path, from, to} of each place where two configs differ: a whole spec where its kind differs, else a single value.

    A `put` and a `swap` that make the same change read the same here. What a side lacks is None.

    >>> differences({'norm': {'kind': 'layer_norm', 'eps': 1e-6}}, {'norm': {'kind': 'rms_norm'}})
    [{'path': 'norm', 'from': {'kind': 'layer_norm', 'eps': 1e-06}, 'to': {'kind': 'rms_norm'}}]
    >>> differences({'channel': {'kind': 'mlp', 'ratio': 4.0}}, {'channel': {'kind': 'mlp', 'ratio': 2.0}})
    [{'path': 'channel.ratio', 'from': 4.0, 'to': 2.0}]
    """
    return list(_differences(before, after, ''))


def _differences(before: object, after: object, path: str) -> Iterator[dict]:
    both = isinstance(before, Mapping) and isinstance(after, Mapping)
    if both and before.get('kind') == after.get('kind'):
        for name in sorted({**before, **after}):
            yield from _differences(before.get(name), after.get(name), f'{path}.{name}'.lstrip('.'))
    elif before != after:
        yield {'path': path, 'from': before, 'to': after}


def kinds_of(config: object, path: str = '') -> dict[str, str]:
    """{path: kind} of every spec in a config.

    >>> kinds_of({'norm': {'kind': 'layer_norm', 'eps': 1e-6}, 'mixer': {'kind': 'mixed', 'inner': {'kind': 'pooling'}}})
    {'norm': 'layer_norm', 'mixer': 'mixed', 'mixer.inner': 'pooling'}
    """
    made = {}
    if isinstance(config, Mapping):
        if path and isinstance(config.get('kind'), str):
            made[path] = config['kind']
        for name, inner in config.items():
            made |= kinds_of(inner, f'{path}.{name}'.lstrip('.'))
    if isinstance(config, (list, tuple)):
        for place, inner in enumerate(config):
            made |= kinds_of(inner, f'{path}.{place}'.lstrip('.'))
    return made


def holder(path: str, kinds: Mapping[str, str]) -> str | None:
    """The kind of the innermost spec that a place lies in; None where it lies in none.

    >>> holder('mixer.kernel', {'mixer': 'depthwise_conv'}), holder('norm', {'norm': 'layer_norm'})
    ('depthwise_conv', 'layer_norm')
    """
    names = path.split('.')
    places = ('.'.join(names[:count]) for count in range(len(names), 0, -1))
    return next((kinds[place] for place in places if place in kinds), None)

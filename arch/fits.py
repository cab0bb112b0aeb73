"""Fits: whether the kinds of a model work in their places and with each other, by their flags FITS, TAKES and NEEDS.

Each error names the kinds that fit. Where layers differ, each of them is checked (arch/stack.py).
"""

from collections.abc import Collection

from arch.flags import PLACES, TAKEN, Flags
from arch.model_sockets import Sockets

ATTENDS = ('position', 'qk_norm')
"""Sockets whose kinds act inside attention alone: in a stack, layers without attention leave those of the base unused."""


def fits(cls: type[Flags]) -> tuple[str, ...]:
    """The places where a kind works.

    >>> from arch.norms import BatchNorm, GroupNorm
    >>> [place for place in PLACES if place in fits(BatchNorm) and place not in fits(GroupNorm)]
    ['causal']
    """
    return tuple(cls.FITS)


def check_places(sockets: Sockets, *places: str, but: Collection[str] = ()) -> None:
    """Raise ValueError, with the kinds that fit, for the first socket with a kind out of place. `but`: sockets left out."""
    for own in sockets.distinct():
        for family, table in own.tables.items():
            for place in () if family in but else places:
                if place not in fits(own.cls(family)):
                    allowed = sorted(kind for kind, cls in table.items() if place in fits(cls))
                    raise ValueError(
                        f"{own.where}{family} '{own.kind(family)}' does not work {PLACES[place]}; allowed there: {allowed}; "
                        f"swap('{family}', ...) to one of them"
                    )


def check_generates(sockets: Sockets) -> None:
    """Raise ValueError for a model that can't take one token after the other, with the kinds that can."""
    if not sockets.make('body', name=None).causal:
        raise ValueError(
            f"body '{sockets.kind('body')}' is not causal: its tokens, and its routers, look at later ones, which generation "
            "does not know yet; put('body.causal', True)"
        )
    for own in sockets.distinct():
        for family, table in own.tables.items():
            if family not in ('initial', 'downsample') and not own.cls(family).GENERATES:
                allowed = sorted(kind for kind, cls in table.items() if cls.GENERATES)
                raise ValueError(
                    f"{own.where}{family} '{own.kind(family)}' keeps nothing of earlier tokens, which generation needs; "
                    f"allowed: {allowed}; swap('{family}', ...) to one of them"
                )


def check_needs(sockets: Sockets) -> None:
    """Raise ValueError, with the mixers that fit, for the first socket with an unmet need.

    Also for a `qk_norm` with statistics over more than one query or key; then the error names the norms that fit.
    """
    layers = sockets.distinct()
    for own in layers:
        for family, need in () if own.part else _needs(own):
            of_all = family in ATTENDS and own.config[family] == sockets.config[family]
            if not any(other.takes(need) for other in (layers if of_all else [own])):
                allowed = sorted(kind for kind, cls in own.tables['mixer'].items() if need in cls.TAKES)
                raise ValueError(
                    f"{own.where}{family} '{own.kind(family)}' {TAKEN[need]}; mixer '{own.kind('mixer')}' has none; allowed "
                    f'with it: {allowed}; swap the mixer or the {family}'
                )
        if 'queries' not in fits(own.cls('qk_norm')):
            allowed = sorted(kind for kind, cls in own.tables['qk_norm'].items() if 'queries' in fits(cls))
            raise ValueError(
                f"{own.where}qk_norm '{own.kind('qk_norm')}' does not take each query and key alone; allowed: {allowed}; "
                "swap('qk_norm', ...) to one of them"
            )


def _needs(sockets: Sockets) -> list[tuple[str, str]]:
    """(socket, what its kind needs from the mixer)."""
    needs = [(family, need) for family in sockets.tables for need in sockets.cls(family).NEEDS]
    return needs if sockets.cls('qk_norm').NOTHING else [*needs, ('qk_norm', 'qk_norm')]


def check_streams(sockets: Sockets) -> None:
    """Raise ValueError where layers can't have one stream.

    So it is where the block works on the sum itself and the residual rule's stream is more than one array; and where one
    layer's stream is such, and another layer has another rule.
    """
    layers = sockets.distinct()
    for own in layers:
        block = own.cls('block')
        if (block.STRIDES or block.ON_SUM) and own.cls('residual').STREAMS:
            allowed = sorted(kind for kind, cls in own.tables['block'].items() if not (cls.STRIDES or cls.ON_SUM))
            raise ValueError(
                f"{own.where}residual '{own.kind('residual')}' keeps several streams; block '{own.kind('block')}' works on "
                f'their sum; allowed with it: {allowed}; swap the block or the residual'
            )
        other = next((other for other in layers if other.config['residual'] != own.config['residual']), None)
        if other is not None and own.cls('residual').STREAMS:
            raise ValueError(
                f"{own.where or other.where}residual '{own.kind('residual')}' keeps several streams over all layers, and some "
                f"have '{other.kind('residual')}'; give all layers the same residual"
            )


def check_moved(sockets: Sockets, everywhere: str = '') -> None:
    """Raise ValueError for a kind whose statistic a step moves (`moves_state`), in a layer that shares its parameters.

    `everywhere`: why no layer of this body may have such a kind; '' where those of their own may.
    """
    for number in range(len(sockets.layers) or 1):
        if not (everywhere or (sockets.layers and _runs_again(sockets, number))):
            continue
        layer = sockets.of_layer(number)
        for own in (layer, *layer.within()):
            for family in own.tables:
                if family not in ('body', 'initial') and own.make(family, name=None, features=1).moves_state():
                    raise ValueError(
                        f"{own.where}{family} '{own.kind(family)}' moves a statistic in each training step, and "
                        f'{everywhere or "layers share its parameters"}; allowed: a layer that runs once, on examples of its '
                        'own; leave the statistic out (bias_step=0.0), or give layers parameters of their own'
                    )


def _runs_again(sockets: Sockets, number: int) -> bool:
    """Whether another layer has the parameters of this one."""
    homes = [layer.home for layer in sockets.layers]
    return homes.count(homes[number]) > 1


def check_layer_positions(sockets: Sockets) -> None:
    """Raise ValueError for a layer with a position of its own that adds to x, which only the body does, once."""
    for own in sockets.distinct():
        if own.config['position'] == sockets.config['position'] or own.kind('position') == 'none':
            continue
        if not any(own.make('position', name=None).rules().values()):
            table = own.tables['position']
            allowed = sorted(kind for kind, cls in table.items() if kind == 'none' or cls.rotation or cls.score_bias)
            raise ValueError(
                f"{own.where}position '{own.kind('position')}' adds to the input of the body and can't differ by layer; "
                f"allowed in a stack: {allowed}; swap('position', ...) for the whole model instead"
            )

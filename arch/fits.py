"""Fits: whether the kinds of a model work in their places and with each other, by their flags FITS, TAKES and NEEDS.

Each error names the kinds that fit.
"""

from arch.flags import PLACES, TAKEN, Flags
from arch.model_sockets import Sockets


def fits(cls: type[Flags]) -> tuple[str, ...]:
    """The places where a kind works.

    >>> from arch.norms import BatchNorm, GroupNorm
    >>> [place for place in PLACES if place in fits(BatchNorm) and place not in fits(GroupNorm)]
    ['causal']
    """
    return tuple(cls.FITS)


def check_places(sockets: Sockets, *places: str) -> None:
    """Raise ValueError, with the kinds that fit, for the first socket with a kind out of place."""
    for family, table in sockets.tables.items():
        for place in places:
            if place not in fits(sockets.cls(family)):
                allowed = sorted(kind for kind, cls in table.items() if place in fits(cls))
                raise ValueError(
                    f"{family} '{sockets.kind(family)}' does not work {PLACES[place]}; allowed there: {allowed}; "
                    f"swap('{family}', ...) to one of them"
                )


def check_needs(sockets: Sockets) -> None:
    """Raise ValueError, with the mixers that fit, for the first socket with an unmet need.

    Also for a `qk_norm` with statistics over more than one query or key; then the error names the norms that fit.
    """
    taken = sockets.cls('mixer').TAKES
    needs = [(family, need) for family in sockets.tables for need in sockets.cls(family).NEEDS]
    if not sockets.cls('qk_norm').NOTHING:
        needs.append(('qk_norm', 'qk_norm'))
    for family, need in needs:
        if need not in taken:
            allowed = sorted(kind for kind, cls in sockets.tables['mixer'].items() if need in cls.TAKES)
            raise ValueError(
                f"{family} '{sockets.kind(family)}' {TAKEN[need]}; mixer '{sockets.kind('mixer')}' has none; allowed with it: "
                f'{allowed}; swap the mixer or the {family}'
            )
    if 'queries' not in fits(sockets.cls('qk_norm')):
        allowed = sorted(kind for kind, cls in sockets.tables['qk_norm'].items() if 'queries' in fits(cls))
        raise ValueError(
            f"qk_norm '{sockets.kind('qk_norm')}' does not take each query and key alone; allowed: {allowed}; "
            "swap('qk_norm', ...) to one of them"
        )


def check_streams(sockets: Sockets) -> None:
    """Raise ValueError where the block works on the sum itself and the residual rule's stream is more than one array."""
    if sockets.cls('block').STRIDES and sockets.cls('residual').STREAMS:
        allowed = sorted(kind for kind, cls in sockets.tables['block'].items() if not cls.STRIDES)
        raise ValueError(
            f"residual '{sockets.kind('residual')}' keeps several streams; block '{sockets.kind('block')}' works on their sum; "
            f'allowed with it: {allowed}; swap the block or the residual'
        )

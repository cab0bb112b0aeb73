"""Mark names: names beside the marks of a panel, each where it covers the least of the others."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from results.figures.style import text_width

SIZE = 6.5
"""Points."""
GAP = 0.07
"""Inches between a mark and its name."""
THIN = 0.02
"""Inches on either side of a line that a name leaves free."""
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Where a name may stand, the best place first: to the right, left, above, below, and between these."""

Spot = tuple[float, float]


def named(axes: Axes, marks: Sequence[tuple[str, Spot]], lines: Sequence[tuple[Spot, Spot]] = ()) -> None:
    """Write each name beside its mark, `(name, (x, y))`; `lines` from one spot to another are not to be covered either.

    Spots are in the panel's own units, and its limits are set before.
    """
    width, height = axes.figure.get_size_inches()
    inside = axes.get_position()

    def inches(spot: Spot) -> Spot:
        x, y = axes.transAxes.inverted().transform(axes.transData.transform(spot))
        return float(x) * width * inside.width, float(y) * height * inside.height

    where = [(name, spot, *inches(spot)) for name, spot in marks]
    taken = [(x - GAP, y - GAP, x + GAP, y + GAP) for *_, x, y in where]
    for line in lines:
        xs, ys = zip(*map(inches, line), strict=True)
        taken.append((min(xs) - THIN, min(ys) - THIN, max(xs) + THIN, max(ys) + THIN))
    for name, spot, x, y in where:
        size = text_width(name, SIZE), SIZE / 72
        boxes = {side: _box(x, y, *size, side) for side in SIDES}
        side = min(SIDES, key=lambda one: round(_covered(boxes[one], taken, width * inside.width, height * inside.height), 3))
        taken.append(boxes[side])
        axes.annotate(
            name,
            spot,
            (side[0] * GAP * 72, side[1] * GAP * 72),
            textcoords='offset points',
            fontsize=SIZE,
            ha={1: 'left', 0: 'center', -1: 'right'}[side[0]],
            va={1: 'bottom', 0: 'center', -1: 'top'}[side[1]],
            zorder=5,
        )


def _box(x: float, y: float, width: float, height: float, side: tuple[int, int]) -> tuple[float, float, float, float]:
    """Where a name stands at a side of a mark, in inches: left, bottom, right, top."""
    left = x + {1: GAP, 0: -width / 2, -1: -GAP - width}[side[0]]
    bottom = y + {1: GAP, 0: -height / 2, -1: -GAP - height}[side[1]]
    return left, bottom, left + width, bottom + height


def _covered(box: tuple, taken: list[tuple], width: float, height: float) -> float:
    """How much of a box is covered by others, or lies outside the panel."""
    left, bottom, right, top = box
    outside = max(0.0, -left) + max(0.0, right - width) + max(0.0, -bottom) + max(0.0, top - height)
    shared = sum(
        max(0.0, min(right, other[2]) - max(left, other[0])) * max(0.0, min(top, other[3]) - max(bottom, other[1]))
        for other in taken
    )
    return outside + shared

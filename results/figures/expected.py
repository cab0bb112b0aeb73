"""Expected best: the score that each arm's tuning would have reached with fewer trials."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from ablations.study import Study
from results.expected_best import ALL_OPTIMIZERS, Curve, Settled, curves, settled_orders
from results.figures.panels import arm_handles, axis_label, draw_bands, explain_empty, grid, missing, note, plain_number
from results.figures.style import house, palette, rounded
from results.finding import Finding
from results.store.reading import Reading


def _ticks(axes, trials: list[float]) -> None:
    """Powers of two times the first number of trials, and the last."""
    low, high = min(trials), max(trials)
    ticks = [low * 2**i for i in range(16) if low * 2**i < 0.8 * high] + [high]
    axes.set_xscale('log')
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(plain_number)
    axes.xaxis.set_minor_locator(NullLocator())


def _order(axes, order: Settled | None) -> list[str]:
    """Mark from how many trials on the arms have their final order; gives the words for below the axis."""
    if order is None:
        return []
    axes.axvline(order.trials, color='black', linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    when = f'order settles at {order.trials}/{order.of} trials'
    return [when + ', first place within noise' * order.noise]


def _panel(axes, study: Study, task: str, task_curves: list[Curve], order: Settled | None, styles: dict) -> None:
    item = study.task(task)
    axes.set_title(task)
    if not task_curves:
        return explain_empty(axes, 'no tuning is recorded whole yet')
    lines = {
        curve.arm: (rounded(curve.trials), curve.mean, *((None, None) if curve.low is None else (curve.low, curve.high)))
        for curve in task_curves
    }
    outside = draw_bands(axes, item, lines, styles, 0)
    _ticks(axes, [trials for curve in task_curves for trials in curve.trials])
    label = 'tuning trials' + ', all optimizers' * (len(study.tune) > 1)
    note(axes, label, [*_order(axes, order), *outside, *missing(study, lines)])


def expected_best_figure(reading: Reading, findings: list[Finding]) -> Figure:
    """The best tuning score that fewer trials would have found, by task: the mean over replicates with 95% bands. Dashed: from
    how many trials on the arms stand in the order of the end. Diverged runs count as chance.

    A line may enter its panel from outside; an arm that ends outside is named at the edge.
    """
    study = reading.study
    styles = palette(list(study.arms))
    all_curves = [c for c in curves(reading) if len(study.tune) == 1 or c.optimizer == ALL_OPTIMIZERS]
    orders = settled_orders(all_curves)
    settles = Line2D([], [], color='black', linewidth=0.8, linestyle=(0, (3, 2)), label='the order settles')
    with house():
        figure, panels = grid(len(study.tasks), [*arm_handles(styles), settles], 2.85)
        for axes, item in zip(panels, study.tasks, strict=True):
            own = [curve for curve in all_curves if curve.task == item.name]
            _panel(axes, study, item.name, own, orders.get(item.name), styles)
            axes.set_ylabel(axis_label(item, 'expected best tuning'))
    return figure

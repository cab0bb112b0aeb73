"""Benchmarks of the lab itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from archlab.answers import print_json, waiting
from archlab.options import Json

commands = typer.Typer(
    name='bench',
    help='How fast the lab is, measured on this machine.',
    no_args_is_help=True,
    epilog='Example: archlab bench ops --rounds 5',
)
Out = Annotated[
    Path | None,
    typer.Option('--out', metavar='FILE', help='Also write the results there, as JSON, and the figure beside it, as SVG.'),
]
Rounds = Annotated[int, typer.Option(min=1, help='Measurements of every side, in turns.')]
Bodies = Annotated[list[str] | None, typer.Option('--only', metavar='BODY', help='One body; may be said again.')]
Sizes = Annotated[
    list[str] | None, typer.Option('--size', metavar='NAME=NUMBER', help='Another size of the one body, such as depth=12.')
]


@commands.callback()
def group() -> None:
    """How fast the lab is, measured on this machine."""


def _check_out(out: Path | None, name: str) -> None:
    if out is not None and out.is_dir():
        raise ValueError(f"--out '{out}' is a folder; give the name of a file, e.g. {out / name}")
    if out is not None and out.suffix == '.svg':
        raise ValueError(f"--out '{out}' would be the figure's own name; give the name of a JSON file, e.g. {name}")


def _numbers(given: list[str] | None) -> dict[str, int]:
    """Sizes by name; raises ValueError where one is not NAME=NUMBER."""
    sizes = {}
    for text in given or []:
        name, _, number = text.partition('=')
        if not (name and number.isascii() and number.isdigit()):
            raise ValueError(f"--size '{text}'; allowed: NAME=NUMBER with a whole number, such as depth=12")
        sizes[name] = int(number)
    return sizes


def _keeping(out: Path | None) -> Callable[[dict], None] | None:
    """A function that writes the results so far to a file, if one is wanted."""
    from results.store import atomic

    return None if out is None else lambda results: atomic.replace(out, json.dumps(results, indent=1) + '\n')


def _answer(results: dict, lines: Callable[[dict], list[str]], out: Path | None, as_json: bool, figure: Callable | None = None):
    """Write the results and their figure where wanted, and print them."""
    if out is not None:
        _keeping(out)(results)
        if figure is not None:
            from results.figures.style import rendered
            from results.store import atomic

            atomic.replace(out.with_suffix('.svg'), rendered(figure(), 'svg'))
    if as_json:
        return print_json(results)
    print('\n'.join(lines(results)))


@commands.command(epilog='Example: archlab bench ops --only depthwise, or archlab bench ops --out ops.json')
def ops(
    only: Annotated[str | None, typer.Option(help='One operation, such as depthwise; all where left out.')] = None,
    rounds: Annotated[int, typer.Option(min=1, help='Measurements of every form, in turns.')] = 9,
    out: Annotated[Path | None, typer.Option('--out', metavar='FILE', help='Also write the results there, as JSON.')] = None,
    as_json: Json = False,
):
    """Operations in all their forms, forward and backward, and the lab's choice of form."""
    _check_out(out, 'ops.json')
    with waiting('timing operations in turns'):
        from benchmarks.ops import bench, lines

        results = bench(rounds, only)
    return _answer(results, lines, out, as_json)


@commands.command(epilog='Example: archlab bench bodies --only vit --size depth=12 --rounds 3')
def bodies(
    only: Bodies = None,
    size: Sizes = None,
    rounds: Rounds = 5,
    processes: Annotated[int, typer.Option(min=1, help='Processes of one thread on each side, all at the same time.')] = 1,
    eager: Annotated[bool, typer.Option('--eager', help='Leave out PyTorch compiled, which takes minutes to compile.')] = False,
    profile: Annotated[bool, typer.Option('--profile', help='Also tell where the time of a step goes on both sides.')] = False,
    out: Out = None,
    as_json: Json = False,
):
    """Training steps of tiny and middle-sized models by the lab and by PyTorch, from equal parameters on equal batches."""
    _check_out(out, 'bodies.json')
    sizes = _numbers(size)
    with waiting('training the same models on both sides in turns'):
        from benchmarks.bodies import WAYS, bench, lines, panels

        results = bench(rounds, only or (), sizes, processes, WAYS[:1] if eager else WAYS, profile, _keeping(out))
    from benchmarks.charts import bars

    return _answer(results, lines, out, as_json, lambda: bars(panels(results), 'CPU ms a step'))


@commands.command(epilog='Example: archlab bench lanes --only digits --width 2 --width 4')
def lanes(
    only: Bodies = None,
    size: Sizes = None,
    width: Annotated[list[int] | None, typer.Option(min=1, help='A number of lanes; may be said again.')] = None,
    rounds: Rounds = 5,
    out: Out = None,
    as_json: Json = False,
):
    """Lanes one after another, mapped and vectorised: lane-steps a CPU second, and memory."""
    _check_out(out, 'lanes.json')
    sizes = _numbers(size)
    with waiting('training lanes in turns'):
        from benchmarks.lanes import WIDTHS, bench, lines, panels

        results = bench(rounds, only or (), sizes, width or WIDTHS, _keeping(out))
    from benchmarks.charts import bars

    return _answer(results, lines, out, as_json, lambda: bars(panels(results), 'lane-steps a CPU second'))


@commands.command(epilog='Example: archlab bench peers --trials 8 --rounds 1')
def peers(
    trials: Annotated[int, typer.Option(min=2, help='Tuning trials of an arm in a replicate.')] = 16,
    rounds: Rounds = 3,
    side: Annotated[list[str] | None, typer.Option('--only', metavar='SIDE', help='One side; may be said again.')] = None,
    out: Out = None,
    as_json: Json = False,
):
    """One small study by this lab, by Optuna with PyTorch, and by a JAX process for each trial: tuned trials an hour."""
    _check_out(out, 'peers.json')
    with waiting('running the same study on every side in turns'):
        from benchmarks.peers import bench, lines, panels

        results = bench(rounds, trials, side or ())
    from benchmarks.charts import bars

    return _answer(results, lines, out, as_json, lambda: bars(panels(results), 'tuned trials an hour', logarithmic=True))


@commands.command(epilog='Example: archlab bench scale --trials 10000 --only plan --only report')
def scale(
    trials: Annotated[list[int] | None, typer.Option(help='About so many trials; may be said again.')] = None,
    only: Annotated[list[str] | None, typer.Option('--only', metavar='COMMAND', help='One command; may be said again.')] = None,
    limit: Annotated[float, typer.Option(min=1, help='Seconds after which a command is cut off.')] = 300.0,
    out: Out = None,
    as_json: Json = False,
):
    """Commands on simulated studies of 1,000 to 100,000 trials: CPU and wall seconds, and memory."""
    _check_out(out, 'scale.json')
    with waiting('simulating studies and timing commands on them'):
        from benchmarks.scale import SIZES, bench, lines, panels

        results = bench(trials or SIZES, limit, only or (), _keeping(out))
    from benchmarks.charts import bars

    return _answer(results, lines, out, as_json, lambda: bars(panels(results), 'CPU seconds', logarithmic=True))


@commands.command(epilog='Example: archlab bench driver --trials 100000 --workers 1000')
def driver(
    trials: Annotated[list[int] | None, typer.Option(help='About so many trials; may be said again.')] = None,
    workers: Annotated[int, typer.Option(min=1, help='Simulated workers.')] = 1000,
    lost: Annotated[float, typer.Option(min=0, help='The share of workers that are lost in an hour.')] = 0.05,
    out: Out = None,
    as_json: Json = False,
):
    """The cost of planning, submitting and collecting, with simulated workers and losses among them."""
    _check_out(out, 'driver.json')
    with waiting('running studies with simulated workers'):
        from benchmarks.driver import SIZES, bench, lines, panels

        results = bench(trials or SIZES, workers, lost, _keeping(out))
    from benchmarks.charts import bars

    return _answer(results, lines, out, as_json, lambda: bars(panels(results), 'worker seconds', logarithmic=True))

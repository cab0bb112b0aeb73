"""Models before any training: which there are, what they cost, and how one is made as large as another."""

from typing import Annotated

import typer
from typer.exceptions import Exit

from archlab.answers import FELL_SHORT, OUT, print_json, waiting
from archlab.options import Data, Json, Settings, use_data
from archlab.publishing import PUBLISHED

commands = typer.Typer()


@commands.command('list', epilog='Example: archlab list blocks')
def list_(
    what: Annotated[str, typer.Argument(help='studies, flagships, questions, blocks, models, tasks or optimizers.')],
    wide: Annotated[bool, typer.Option('--wide', help='Every column, whatever the width of the screen.')] = False,
    as_json: Json = False,
):
    """What the lab has: studies, contested claims at rising scale, the questions it was founded for, blocks and where they fit,
    models, tasks, optimizers."""
    if what == 'questions':
        from ablations.questions import QUESTIONS
        from results.claims.answered import answered

        entries = answered(QUESTIONS, PUBLISHED)
    else:
        from sweeps.models.listing import listing

        entries = listing(what)
    if as_json:
        return print_json(entries)
    from results.store.screen_tables import folded

    width = OUT.width if OUT.is_terminal and not wide else None
    print('\n'.join(folded(line, width) for text in _lines(what, entries, width) for line in text.split('\n')))


def _lines(what: str, entries: dict, width: int | None) -> list[str]:
    """What is listed, a line for each entry; tables as far as a screen of `width` has room."""
    from results.tables.sizes import fits_lines, model_lines, task_lines

    if what == 'questions':
        from results.claims.answered import question_lines

        return question_lines(entries)
    if what == 'optimizers':
        from sweeps.models.readers import knob_lines

        about = [f'{name}  {optimizer["about"]}' for name, optimizer in entries.items()]
        return [*about, '', *knob_lines(width)]
    if what == 'tasks':
        return task_lines(entries, width)
    if what == 'flagships':
        return [f'{name}  {one["claim"]}\n    {", ".join(one["studies"])}' for name, one in entries.items()]
    if what in ('blocks', 'models'):
        return fits_lines(entries) if what == 'blocks' else model_lines(entries)
    return [f'{name}  {about}' for name, about in entries.items()]


@commands.command(epilog='Example: archlab describe resnet50 --draw, or archlab describe resnet50 convnext_tiny')
def describe(
    what: Annotated[
        str,
        typer.Argument(metavar='MODEL|STUDY[/ARM]', help='A published model, a task (its base), a study, or one of its arms.'),
    ],
    other: Annotated[
        str | None, typer.Argument(metavar='OTHER', help='A second model or STUDY/ARM: both side by side, with what differs.')
    ] = None,
    batch: Annotated[int | None, typer.Option(help='Examples in a training step.')] = None,
    image_size: Annotated[int | None, typer.Option(help='Height and width of the images.')] = None,
    length: Annotated[int | None, typer.Option(help='Tokens in a sequence.')] = None,
    draw: Annotated[bool, typer.Option('--draw', help='Draw what it is composed of, part by part.')] = False,
    settings: Settings = None,
    data: Data = None,
    as_json: Json = False,
):
    """Parameters, multiply-adds, FLOPs of a training step and activation memory, by role and part; or two models compared."""
    use_data(data)
    if draw and other:
        raise ValueError('--draw draws one model; leave the second out, or leave out --draw to compare them')
    with waiting('counting what every model costs'):
        from sweeps.models.describe import Sizes, compare, refuse_settings, subjects
        from sweeps.models.describe import describe as describe_models

        refuse_settings(settings or [], what, other)
        if draw:
            from sweeps.models.drawing import drawing, parts

            drawn = list(subjects(what, settings or [], Sizes(batch, image_size, length)).values())
            if as_json:
                described = {subject.name: parts(subject) for subject in drawn}
            else:
                described = [drawing(subject) for subject in drawn]
        elif other:
            described = compare(what, other, settings or [], Sizes(batch, image_size, length))
        else:
            described = describe_models(what, settings or [], batch, image_size, length)
    if as_json:
        return print_json(described)
    if draw:
        return print('\n\n'.join('\n'.join(lines) for lines in described))
    from results.tables.sizes import comparison_table, size_table

    if not other:
        return OUT.print(size_table(described, what))
    for pair in described:
        OUT.print(comparison_table(pair))
        if pair['note']:
            OUT.print(pair['note'])


@commands.command(epilog='Example: archlab match quickstart/no_mixer --task digits')
def match(
    what: Annotated[str, typer.Argument(metavar='STUDY/ARM|MODEL', help='The arm or model whose size is to be changed.')],
    to: Annotated[
        str | None, typer.Option(metavar='ARM|MODEL', help="What it shall be as large as; the study's base where left out.")
    ] = None,
    task: Annotated[str | None, typer.Option(help='One task of the study; every task where left out.')] = None,
    by: Annotated[str, typer.Option(help='params, or macs: multiply-adds of one example.')] = 'params',
    knob: Annotated[str, typer.Option(help='width, ratio (hidden channels), or both: first width, then ratio.')] = 'both',
    tolerance: Annotated[float, typer.Option(help='How far off is near enough, as a share.')] = 0.01,
    settings: Settings = None,
    data: Data = None,
    as_json: Json = False,
):
    """Make a model as large as another, for a fair comparison: the lines to put into a study; exit 1 where none is near."""
    use_data(data)
    with waiting('trying widths'):
        from sweeps.models.describe import refuse_settings
        from sweeps.models.matching import match as match_models

        refuse_settings(settings or [], what, to)
        matched = match_models(what, to, task, by, tolerance, knob, settings or [])
    if as_json:
        print_json(matched)
    else:
        from results.tables.sizes import match_lines

        for name, made in matched.items():
            for line in match_lines(name, made):
                OUT.print(line, soft_wrap=True)
    if not all(made['near'] for made in matched.values()):
        raise Exit(FELL_SHORT)

"""Screening: the first trials of several optimizers, of which only the better one gets the rest."""

SCREENED = ('sobol', 'random')
"""The searches that a screening can begin: their later points continue the first ones, whatever these scored."""
FEWEST = 4
"""The least trials of a screening: a fitted surface needs as many."""


def check_screening(study: str, screening: int, trials: int, search: str, optimizers: tuple[str, ...]) -> None:
    """Raise ValueError where a study's `screening` is not 0, and cannot begin its search of so many trials."""
    if not screening:
        return
    given = f"study '{study}': screening={screening}"
    if len(optimizers) < 2:
        raise ValueError(f'{given} of one optimizer, {list(optimizers)}; allowed: 0, or tune two or more optimizers')
    if search not in SCREENED:
        raise ValueError(
            f"{given} with search='{search}'; allowed: 0, or a search whose first points depend neither on their number nor on "
            f'scores, {list(SCREENED)}'
        )
    if not FEWEST <= screening < trials:
        raise ValueError(
            f'{given} of trials={trials}; allowed: 0, or from {FEWEST}, which a surface needs, to trials - 1: change screening '
            'or trials'
        )

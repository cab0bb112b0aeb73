"""Lessons: from which domains the steps of a training take their examples, where a task has several."""

import numpy as np

SHUFFLED, SHARES, IN_TURN = LESSONS = ('shuffled', 'shares', 'in_turn')
"""All domains in their fixed shares, no example twice before all were seen; in shares that a study may tune; or one after the
other."""
MOST = 8
"""As many domains can have a weight that is tuned (`domain_weight_1` to `domain_weight_8`)."""


def knobs_of(lessons: str, domains: int) -> dict[str, float]:
    """The values that lessons read, with their defaults.

    >>> knobs_of('shares', 2)
    {'size_exponent': 0.0, 'domain_weight_1': 1.0, 'domain_weight_2': 1.0}
    """
    if lessons == SHARES:
        return {'size_exponent': 0.0} | {f'domain_weight_{number}': 1.0 for number in range(1, domains + 1)}
    return {'first_domain': 1.0, 'replay_share': 0.0, 'mixed_share': 0.0} if lessons == IN_TURN else {}


def tuned_shares(given: np.ndarray, sizes: np.ndarray, knobs: dict[str, float]) -> np.ndarray:
    """The share of each domain under 'shares': w_d s_d n_d^a, divided by the sum over domains. `[D], [D] -> [D]`

    s are the task's own shares (`given`), n the training examples, a the `size_exponent` (0: sizes don't matter, 1: every
    example is as likely; 1911.02116 has 0.7), and w the `domain_weight_1`, ...

    >>> tuned_shares(np.array([0.5, 0.5]), np.array([300, 100]), {'size_exponent': 1.0}).tolist()
    [0.75, 0.25]
    """
    known = knobs_of(SHARES, len(given)) | knobs
    weights = np.array([known[f'domain_weight_{number}'] for number in range(1, len(given) + 1)])
    shares = weights * given * sizes ** known['size_exponent']
    if not shares.sum():
        raise ValueError('every domain has the weight 0 in training; give one a domain_weight above 0')
    return shares / shares.sum()


def turns(domains: int, steps: int, knobs: dict[str, float]) -> list[tuple[int, int, int]]:
    """Under 'in_turn' the domain, the first step and the end of each turn, which are of equal length; the first domain is the
    `first_domain`, the others follow in their order, and the rest of the steps, a `mixed_share`, is of all domains.

    >>> turns(3, 100, {'first_domain': 2, 'mixed_share': 0.1})
    [(1, 0, 30), (2, 30, 60), (0, 60, 90)]
    """
    known = knobs_of(IN_TURN, domains) | knobs
    alone = steps * (1 - known['mixed_share'])
    ends = [round(alone * number / domains) for number in range(domains + 1)]
    first = round(known['first_domain']) - 1
    return [((first + number) % domains, ends[number], ends[number + 1]) for number in range(domains)]


def shares_in_turn(given: np.ndarray, steps: int, knobs: dict[str, float]) -> np.ndarray:
    """The share of each domain at each step under 'in_turn': `[D] -> [steps, D]`.

    In its turn a domain has the whole batch but for the `replay_share`, which those before it divide evenly. Steps after the
    last turn have the task's own shares.

    >>> shares_in_turn(np.array([0.5, 0.5]), 4, {'replay_share': 0.2}).tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.2, 0.8], [0.2, 0.8]]
    """
    replayed, before = {**knobs_of(IN_TURN, len(given)), **knobs}['replay_share'], []
    shares = np.tile(given, (steps, 1))
    for domain, first, end in turns(len(given), steps, knobs):
        shares[first:end] = 0.0
        shares[first:end, domain] = 1 - replayed if before else 1.0
        shares[first:end, before] = replayed / max(len(before), 1)
        before.append(domain)
    return shares

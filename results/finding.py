"""Finding: the comparison of one arm with another on one task, with its verdict."""

import dataclasses

from results.rounding import plain

TEST_NAME = 'moderated paired t over replicates'
VERDICTS = ('better', 'worse', 'equivalent', 'unstable', 'undecided', 'not comparable')


@dataclasses.dataclass(frozen=True)
class Finding:
    """One arm against its reference, `base`, on one task. What is not known yet is None.

    value, base_value      mean test metric over replicates, of confirmation runs that did not diverge, with `interval` and
                           `base_interval` (95 %, Student)
    effect                 arm minus base in the good direction, with `effect_interval` (95 %, not adjusted)
    family_interval        the wider interval for those who read many: all of a study's hold together in 95 % (Bonferroni)
    p, p_adjusted          of effect = 0: over all looks, and over all arms and tasks of the study too
    p_equivalent           of |effect| >= margin, over all looks, arms and tasks
    p_diverged             of equal rates of divergence, over all looks, arms and tasks
    decided_at             the look (replicates) whose p-value is the least
    negligible             significant, and within the margin
    detectable             the smallest effect detected with 80 % power if all comparisons had this noise
    needed                 replicates that would decide this effect with 80 % power, None where unknown or over 1,000
    resolved               whether endless replicates would decide this effect with 80 % power on this test split
    one_more_diverged      the effect if one more run of the better side had diverged and scored chance
    shared_effect          the same difference when both use the selected values of the study's base: descriptive
    shared_verdict         verdict of the same test with one recipe for all: no claim of the study
    params_ratio, macs_ratio      to the base of the study
    lr_sensitivity         nats lost on average over the range of learning rates (2309.14322)
    diverged, confirmed    confirmation runs of the arm that diverged, of how many, with `diverged_interval` (95 %, exact)
    diverged_share         share of all of the arm's runs on this task that diverged or failed
    censored               edges of the searched ranges at which the arm's optimum still lies
    optimism               tuning score less confirmed score, in the good direction
    test_error             standard error of the value from the finite test split (n_test examples)
    test_split_error       standard error of the effect from the items of the test split, the same for all replicates; part of
                           every test and interval of the effect. None where records do not hold what single items scored;
                           then it is part of none
    overall                the arm's verdict over all tasks, with `overall_reason`
    overall_effect         the mean effect over datasets like these, in margins, with `overall_interval` (95 %)
    """

    study: str
    arm: str
    base: str
    task: str
    dataset: str
    metric: str
    unit: str
    direction: str
    margin: float
    base_value: float | None = None
    base_interval: tuple | None = None
    value: float | None = None
    interval: tuple | None = None
    effect: float | None = None
    effect_interval: tuple | None = None
    family_interval: tuple | None = None
    test: str = TEST_NAME
    p: float | None = None
    p_adjusted: float | None = None
    p_equivalent: float | None = None
    p_diverged: float | None = None
    decided_at: int | None = None
    verdict: str = 'undecided'
    reason: str = ''
    negligible: bool = False
    detectable: float | None = None
    needed: int | None = None
    resolved: bool = True
    one_more_diverged: float | None = None
    shared_verdict: str = ''
    shared_effect: float | None = None
    shared_interval: tuple | None = None
    params: int | None = None
    params_ratio: float | None = None
    macs: int | None = None
    macs_ratio: float | None = None
    lr_sensitivity: float | None = None
    base_lr_sensitivity: float | None = None
    diverged: int = 0
    confirmed: int = 0
    diverged_interval: tuple | None = None
    base_diverged: int = 0
    base_confirmed: int = 0
    diverged_share: float | None = None
    base_diverged_share: float | None = None
    censored: tuple = ()
    base_censored: tuple = ()
    replicates: int = 0
    seeds: int = 0
    n_test: int | None = None
    test_error: float | None = None
    test_split_error: float | None = None
    optimism: float | None = None
    base_optimism: float | None = None
    overall: str = 'undecided'
    overall_reason: str = ''
    overall_effect: float | None = None
    overall_interval: tuple | None = None

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return plain(self)

"""Questions: what the lab was founded to ask, and the study that asks each of them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Question:
    """A question, the paper it comes from ('' for an essay), and its study.

    `study` is a name or the path of a file, '' while there is none; `further` are the files of others that ask more of it.
    `lacks` says what of the question none of them asks.
    """

    asks: str
    paper: str = ''
    study: str = ''
    lacks: str = ''
    further: tuple[str, ...] = ()


_FILES = 'docs/founding'
QUESTIONS = {
    'name_that_dataset': Question(
        'Can a model tell which set an example comes from, when nothing but content is left?',
        '2403.08632',
        f'{_FILES}/name_that_dataset.py',
        further=(f'{_FILES}/name_that_dataset_amounts.py',),
    ),
    'which_model_wrote_this': Question(
        'Which model wrote a text, and what does the answer rest on?',
        '2502.12150',
        f'{_FILES}/which_model_wrote_this.py',
        'weights that were trained before',
        further=(f'{_FILES}/which_model_wrote_this_amounts.py', f'{_FILES}/eight_models.py'),
    ),
    'binding_through_a_hub': Question(
        'Do two modalities meet that were each bound to a third alone?',
        '2305.05665',
        f'{_FILES}/binding_through_a_hub.py',
        'sounds that were recorded',
    ),
    'blind_pairs': Question(
        'What do captions that leave something out not teach?',
        '2401.06209',
        f'{_FILES}/blind_pairs.py',
        'weights that were trained before',
        further=(f'{_FILES}/blind_pairs_masked.py',),
    ),
    'understanding_and_generation': Question(
        'Does learning to generate help to understand, and the other way round?',
        '2412.14164',
        f'{_FILES}/understanding_and_generation.py',
        'weights that were trained before',
    ),
    'world_model': Question(
        'Is what comes next told better from pixels or from symbols?',
        '',
        f'{_FILES}/world_model.py',
        further=(f'{_FILES}/world_model_horizons.py',),
    ),
    'forgetting': Question(
        'What is kept of tasks that were learned one after the other?',
        '',
        f'{_FILES}/forgetting.py',
        'its probe of single facts is a task (facts_told_seldom) that no published study asks',
    ),
    'data_mixtures': Question(
        'Do tuned shares of domains beat equal ones, and those by size?', '', f'{_FILES}/data_mixtures.py'
    ),
    'everything_is_language': Question(
        'Is one causal model as good a coder of all data as the coder made for them?',
        '',
        f'{_FILES}/tokenisers.py',
        further=(f'{_FILES}/learned_codes.py', f'{_FILES}/trajectories.py', 'mixers'),
    ),
    'what_searches_gain': Question(
        'How much of the gain of a search survives a confirmation?',
        '',
        f'{_FILES}/what_searches_gain.py',
        'larger budgets',
    ),
    'scale': Question(
        'Does a verdict hold at the next scale, and does the tuned learning rate move with width?', '', f'{_FILES}/scale.py'
    ),
}
"""The founding questions, by the name of their study."""

"""What a check says of blocks that break a rule, in whole sentences."""

ANY = '<any>'
"""Numbers, and the words of others."""
LINE = '[B, N, C] -> [B, N, C]'
WORDS = {
    'Undocumented': 'the docstring has no shape line; add e.g. `[B, N, C] -> [B, N, C]`',
    'Bare': "the fields ['size'] have no default; give each one",
    'dict': "<class 'dict'> is no class of flax.linen.Module; make it one",
    'Shrinks': f'{LINE} gave [7, 5, 16], wanted [7, 6, 16]; mend the line or the class',
    'Widens': f'{LINE} in bfloat16 gave float32; end with .astype(x.dtype)',
    'Narrows': f'{LINE} in float32 gave bfloat16; end with .astype(x.dtype)',
    'Unnamed': "'Dense_0/bias': 'Dense_0' is an automatic name; give the submodule name='...'",
    'UnnamedStatistic': "'Counter_0/count': 'Counter_0' is an automatic name; give the submodule name='...'",
    'Unknown': "ValueError: parameter 'temperature': 'temperature' is no parameter name; allowed: <any>; rename it",
    'Unused': f"{LINE}: ['gain'] receive no gradient; use them or leave them out",
    'Infinite': f"{LINE}: the gradient of ['gain'] is not finite; guard the division or the root",
    'AtZeros': f'{LINE}: an input of zeros gives outputs that are not finite; guard the division or the root',
    'AtOnes': f'{LINE}: an input of ones gives outputs that are not finite; guard the division or the root',
    'SlopeAtZeros': f'{LINE}: an input of zeros gives gradients that are not finite; guard the division or the root',
    'Alone': f'{LINE}: one position of one example gives an output that is not finite; guard the division',
    'Laned': f'{LINE}: lane 0 of layer 0 differs by <any> from a run of its own',
    'Counts': f'{LINE}: lane 0 of layer 0 differs by <any> from a run of its own',
    'Peeks': (
        f'{LINE}: token 0 sees what comes from token 1 on (reversed), training; mask what comes later where context.causal'
    ),
    'Blind': f'{LINE}: the last token sees nothing; let it see itself',
    'Ordered': f'{LINE}: another order changes the outputs by <any>, training; say EQUIVARIANT = False',
    'Gossips': (
        f'{LINE}: examples of a batch see each other, training: example 0 sees the others of its batch (reversed); '
        'say MIXES_BATCH = True if they should'
    ),
    'SaysSo': (
        f'{LINE}: examples of a batch see each other, outside training: example 0 sees the others of its batch (reversed); '
        'statistics must be fixed outside training'
    ),
    'Deaf': f"{LINE}: the knob 'strength' changes nothing; read it by context.knob('strength', ...)",
    'Concrete': 'ConcretizationTypeError: <any>',
    'Moody': f'{LINE}: two traces differ; draw by jax.random in init, or by make_rng in training',
    'Noisy': (
        "ValueError: <any> needs PRNG for \"noise\"; the lab's only stream of random numbers is 'noise', and only in training: "
        "self.make_rng('noise') under context.train, or nn.Dropout(rate, rng_collection='noise', "
        'deterministic=not context.train)'
    ),
    'Drifts': f'{LINE}: statistics change outside training; guard by context.train',
    'Loses': f'{LINE}: statistics change shape or type in a training step; keep them float32',
}
for later, first in {
    'AloneInTraining': 'Alone',
    'GrowsInTraining': 'Loses',
    'GrowsOutside': 'Drifts',
    'DrawsArrays': 'Moody',
    'MoodyInInit': 'Moody',
}.items():
    WORDS[later] = WORDS[first]


def says(why: str, name: str) -> bool:
    """Whether a check says the sentence of the class of this name, and nothing else."""
    begin, some, end = WORDS[name].partition(ANY)
    return why.startswith(begin) and why.endswith(end) if some else why == begin

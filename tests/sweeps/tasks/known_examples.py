"""Examples of the lab's tasks, made once for all tests; those of a rule are compared with what studies have read."""

import functools
import hashlib

from ablations.tasks import TASKS as DECLARED
from sweeps.tasks.arrays import Arrays
from sweeps.training.preflight import task_of

# The first 16 digits of the hash of the sealed examples. Update only if you meant to change them: findings rest on them.
# Other kinds check their prepared data, or differ from one Python to the next (stdlib_bytes).
GOLDEN = {
    'digits': '3a9222652c446a49',
    'recall': '26d06a3f5fdc88dc',
    'induction': 'c712a5c9e238b121',
    'selective_copying': '425e79f6194b53f1',
    'compression': 'c7ec6df6cc99110d',
    'fuzzy_recall': 'c4a3970828c115af',
    'modular_addition': '27183de52ed6b685',
    'parity': '92c75c3d264c4632',
    'state_tracking': '5803117e77f909e4',
    'arithmetic': '3cbfd8354aee6db1',
    'arithmetic_answers': '0c3c347e21520cf0',
    'regular_language': '95cb7345e137e0c7',
    'protein_families': 'ad87613c4b869fa5',
    'balls_pixels': '5dff23b1c9c2a2b0',
    'balls_symbols': '3e29622b543f654c',
    'doors_pixels': '73abc8e11fa4df3b',
    'doors_symbols': 'bc151ca2c6524bfc',
    'balls_direction': '37a2945f21854ce1',
    'doors_mode': 'e08dcfaac1f3b77d',
    'doors_key': '191c153ce7af0ac1',
    'pendulums': '929a9f677e3bb79e',
    'planets': 'd85b24be1e9707b1',
    'three_bodies': '96f68c7c8ef76131',
    'pendulum_law': '4e369129c2434e99',
    'planet_law': '76d01ff91b5eff39',
    'pendulum_law_probed': 'acaf1e54f04c5421',
    'planet_law_probed': '531d7615c48a37eb',
    'friedman': 'e0864b08ec1b6ec6',
    'adding': 'c8f1bd1d374164c8',
    'shape_labels': 'bfb4ac01dafb7567',
    'shapes': '1315189aadd91b60',
    'collections': 'b105e936bfc36dac',
    'writers': '6cea6c41d9223618',
    'writers_shuffled_words': 'ee92aef4270e2bcf',
    'digits_in_turn': '8f9c837c59ed689e',
    'blocks_answered': '9ffe06398b7e8538',
    'blocks_drawn': '9ef74a4ab4da6888',
    'digits_answered': 'cecb82e8da3c30c2',
    'digits_drawn': '07f5e3c8ff421b9a',
    'facts_told_often': 'b9b63e41d52e7658',
    'facts_told_seldom': 'b9b63e41d52e7658',
    'words_meet_sounds': '91bdf6780ac6df1e',
    'words_meet_sounds_unbound': '91bdf6780ac6df1e',
    'pictures_meet_sounds': '9bd1b1c84db5c37b',
    'blind_to_colour': 'c012ab33e4cd6e4a',
    'blind_to_figure': 'c012ab33e4cd6e4a',
    'blind_to_quarter': 'c012ab33e4cd6e4a',
    'blind_to_colour_masked': 'c012ab33e4cd6e4a',
    'blind_to_figure_masked': 'c012ab33e4cd6e4a',
    'blind_to_quarter_masked': 'c012ab33e4cd6e4a',
    'digits_words_meet_sounds': 'b44c8faec4b9ab57',
    'digits_words_meet_sounds_unbound': 'b44c8faec4b9ab57',
    'digits_pictures_meet_sounds': '867fc824c9ef0cab',
    'digits_blind_to_colour': 'c2f347e03b3a6767',
    'digits_blind_to_quarter': 'c2f347e03b3a6767',
}
# The same of the pools that the lab makes itself, with the groups that a split keeps together.
POOLS = {
    'recall': '418f69ac13de9d71',
    'induction': 'ec35f81f7d887a77',
    'selective_copying': '953767c960c3c30d',
    'compression': '83a9d21d147c944c',
    'fuzzy_recall': '2290c1e6d387b237',
    'modular_addition': 'e80170b5e230d805',
    'parity': '0bc7e92a72c4cb5b',
    'state_tracking': 'cdbfd6ddbd918f96',
    'arithmetic': 'b5bbbeb12cbcd360',
    'arithmetic_answers': '1ccd93f2736328b1',
    'regular_language': '5e1db74505411c62',
    'protein_families': '009a3a3a8e2ac2e2',
    'balls_pixels': 'bff11bd27cbfa903',
    'balls_symbols': '4d069325a9b2847a',
    'doors_pixels': '46fed18f6822e279',
    'doors_symbols': 'd57594004926f92a',
    'balls_direction': 'ec2ee483f5f3ae3e',
    'doors_mode': 'c1f4766c87ac4d63',
    'doors_key': '76c2ea52ff1ff022',
    'pendulums': '2c61b0903cf1f09e',
    'planets': '92de094b673ed7de',
    'three_bodies': '0ad11998b11fcd70',
    'pendulum_law': '3b26ba01054adc11',
    'planet_law': '0c0db3fea2aa2484',
    'pendulum_law_probed': 'ff038effe56cf469',
    'planet_law_probed': '6e573b9474d2741a',
    'friedman': '6d69d30363cc1d76',
    'adding': '496169aedc3ea944',
    'shape_labels': '89645495c426ab5d',
    'shapes': '302b8b2c43f5a0f6',
    'collections': '9c9aae1014f4f0a4',
    'writers': 'eead6193a4197f7b',
    'writers_shuffled_words': '3274097a09405ebb',
    'digits_in_turn': 'ea93eb69f852184c',
    'blocks_answered': '8359a1bf39f29e51',
    'blocks_drawn': '8c861133e96b64b6',
    'digits_answered': '29c0bbf435ffb76c',
    'digits_drawn': '6b3702a0fab9370e',
    'facts_told_often': '0f6accd599b4d828',
    'facts_told_seldom': '0f6accd599b4d828',
    'words_meet_sounds': '75ff0e2c4b5e1fc3',
    'words_meet_sounds_unbound': 'adf9bd278548f6d1',
    'pictures_meet_sounds': '75ff0e2c4b5e1fc3',
    'blind_to_colour': 'fbd693a35128d9bd',
    'blind_to_figure': 'd43fca3af8481c5c',
    'blind_to_quarter': '2b304fa1e47d03d3',
    'blind_to_colour_masked': '4eb6a2f3b57c20bf',
    'blind_to_figure_masked': 'd33f171f4ca0ffb3',
    'blind_to_quarter_masked': 'eb10e8a13261c979',
    'digits_words_meet_sounds': '5e6edc43b858c89b',
    'digits_words_meet_sounds_unbound': 'd46ccd0a937e537a',
    'digits_pictures_meet_sounds': '5e6edc43b858c89b',
    'digits_blind_to_colour': '3c65300d54555a17',
    'digits_blind_to_quarter': '34ef3dab01f76acd',
}


def digest(*parts: str) -> str:
    return hashlib.sha256(''.join(parts).encode()).hexdigest()[:16]


@functools.cache
def loaded(name: str) -> tuple[object, Arrays, Arrays]:
    """A declared task, its pool and its sealed examples.

    They are compared here, and not in a test of its own: whatever test is the first to make them sees that they have changed.
    """
    task = task_of(DECLARED[name].data)
    pool, sealed = task.pool(), task.test()
    assert name not in GOLDEN or sealed.checksum == GOLDEN[name], f'the sealed examples of {name} are not those of old'
    assert name not in POOLS or digest(pool.checksum, str(pool.group.tolist())) == POOLS[name], f'the pool of {name} is another'
    return task, pool, sealed

"""The physics of motions: what is conserved is, periods are those of the formulas, and a start tells nothing of the law."""

import warnings

import numpy as np
import pytest
from scipy.special import ellipk

from sweeps.tasks.trajectories import MOTIONS
from sweeps.tasks.trajectories.forces import FORCES, integrated, potential, pull
from sweeps.tasks.trajectories.motion import Motion
from sweeps.tasks.trajectories.pendulums import GRAVITY, Pendulums
from sweeps.tasks.trajectories.planets import Planets
from sweeps.tasks.trajectories.three_bodies import ThreeBodies


def drawn(motion: Motion, count: int = 256, seed: int = 3) -> dict[str, np.ndarray]:
    return motion.constants(np.random.default_rng(seed), count)


def crossings(signal: np.ndarray, step: float) -> np.ndarray:
    """The mean time between upward crossings of 0 by a straight line through the two readings: `[T, n] -> [n]`."""
    times = []
    for row in signal.T:
        up = np.flatnonzero((row[:-1] < 0) & (row[1:] >= 0))
        exact = (up - row[up] / (row[up + 1] - row[up])) * step
        times.append((exact[-1] - exact[0]) / (len(exact) - 1))
    return np.array(times)


@pytest.mark.parametrize('law', FORCES)
def test_a_pull_is_the_slope_of_its_potential(law: str):
    r, small = np.linspace(0.3, 2, 20), 1e-5
    slope = (potential((r + small) ** 2, law) - potential((r - small) ** 2, law)) / (2 * small)
    np.testing.assert_allclose(pull(r**2, law) * r, r ** -float(FORCES[law]), rtol=1e-12)
    np.testing.assert_allclose(slope, r ** -float(FORCES[law]), rtol=1e-6)


def test_the_integrator_is_of_fourth_order_and_can_be_run_backwards():
    where, velocity = np.array([1.0]), np.array([0.3])
    angle = 4.0
    exact = where * np.cos(angle) + velocity * np.sin(angle)
    errors = []
    for substeps in (10, 20):
        places, speeds = integrated(where, velocity, lambda x: -x, angle / substeps, substeps, 2)
        errors.append(abs(places[1] - exact).item())
        back, _ = integrated(places[1], -speeds[1], lambda x: -x, angle / substeps, substeps, 2)
        np.testing.assert_allclose(back[1], where, atol=1e-12)
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.1)


@pytest.mark.parametrize('swing', [0.01, 1.0, 2.0, 2.8])
def test_the_period_of_a_pendulum_is_the_elliptic_integral(swing: float):
    """4 sqrt(l / g) K(sin^2(swing / 2)): 2 pi sqrt(l / g) for small swings."""
    motion = Pendulums(interval=0.05)
    length = np.linspace(motion.shortest, motion.longest, 7)
    start = {'length': length, 'angle': np.full(7, swing), 'rate': np.zeros(7), 'damping': np.ones(7)}
    angles, _ = motion.swung(start, 'undamped', 600)
    period = 4 * np.sqrt(length / GRAVITY) * ellipk(np.sin(swing / 2) ** 2)
    np.testing.assert_allclose(crossings(angles, 0.05), period, rtol=1e-3)
    if swing < 0.1:
        np.testing.assert_allclose(period, 2 * np.pi * np.sqrt(length / GRAVITY), rtol=1e-4)


def test_only_an_undamped_pendulum_keeps_its_energy():
    motion = Pendulums(laws=Pendulums.LAWS)
    constants = drawn(motion)
    energy = {}
    for law in motion.laws:
        angles, rates = motion.swung(constants, law, 32)
        energy[law] = rates**2 / 2 - GRAVITY / constants['length'] * (np.cos(angles) - 1)
    depth = 2 * GRAVITY / constants['length']
    drift = {law: np.abs(own - own[0]).max(0) / depth for law, own in energy.items()}
    assert drift['undamped'].max() < 2e-3
    # What a damped one loses is c times the square of its rate, summed over time: always less, and most of it at last.
    assert (energy['damped'][-1] < energy['damped'][0]).all() and np.median(energy['damped'][-1] / energy['damped'][0]) < 0.3
    assert np.median(drift['driven']) > 0.1


def test_a_damped_pendulum_of_small_swings_is_the_formula():
    """e^(-c t / 2) (cos(w t) + c / (2 w) sin(w t)) with w^2 = g / l - c^2 / 4; and a driven one in resonance grows."""
    motion, damping, length = Pendulums(interval=0.1), 0.6, 1.3
    start = {name: np.array([value]) for name, value in {'length': length, 'angle': 0.01, 'rate': 0.0}.items()}
    start |= {'damping': np.array([damping]), 'torque': np.array([0.001]), 'phase': np.array([0.0])}
    start['drive'] = np.sqrt(GRAVITY / start['length'])
    time = 0.1 * np.arange(60)
    w = np.sqrt(GRAVITY / length - damping**2 / 4)
    wanted = 0.01 * np.exp(-damping * time / 2) * (np.cos(w * time) + damping / (2 * w) * np.sin(w * time))
    np.testing.assert_allclose(motion.swung(start, 'damped', 60)[0][:, 0], wanted, atol=2e-5)
    w = np.sqrt(GRAVITY / length)
    wanted = 0.01 * np.cos(w * time) + 0.001 * time / (2 * w) * np.sin(w * time)
    np.testing.assert_allclose(motion.swung(start, 'driven', 60)[0][:, 0], wanted, atol=2e-5)


@pytest.mark.parametrize('law', FORCES)
def test_a_planet_keeps_its_energy_and_angular_momentum(law: str):
    motion = Planets(laws=(law,))
    constants = drawn(motion)
    places, velocities = motion.flown(constants, law, 32)
    holds = motion.moved(constants, law, 32)[1]
    energy = motion.energy(constants, law, places, velocities)
    kinetic = (velocities[0] ** 2).sum(0) / 2
    assert holds.mean() > (0.4 if law == 'inverse_cube' else 0.95)
    assert np.median(np.abs(energy - energy[0]).max(0)[holds] / kinetic[holds]) < 1e-4
    turning = places[:, 0] * velocities[:, 1] - places[:, 1] * velocities[:, 0]
    np.testing.assert_allclose(turning[:, holds], np.broadcast_to(turning[0], turning.shape)[:, holds], rtol=1e-9)


def test_periods_of_planets_are_by_keplers_third_law():
    """T^2 = a^3 / mass in years, astronomical units and solar masses, with the axis from the energy; of the harmonic law
    2 pi / sqrt(k), whatever the axis."""
    motion = Planets(interval=0.01, substeps=8)
    constants = drawn(motion, 64)
    places, velocities = motion.flown(constants, 'inverse_square', 1200)
    energy = motion.energy(constants, 'inverse_square', places, velocities)[0]
    axis = motion.strength(constants, 'inverse_square') / (-2 * energy)
    np.testing.assert_allclose(motion.strength(constants, 'inverse_square'), 4 * np.pi**2 * constants['mass'])
    period = np.sqrt(axis**3 / constants['mass'])
    np.testing.assert_allclose(crossings(places[:, 1], 0.01), period, rtol=5e-3)
    assert period.max() / period.min() > 5
    # Ellipses close, and the sun is in a focus: (place - focus distance) sums to the axis at the ends.
    r = np.sqrt((places**2).sum(1))
    np.testing.assert_allclose(r.min(0) + r.max(0), 2 * axis, rtol=5e-3)
    harmonic, _ = motion.flown(constants, 'harmonic', 1200)
    np.testing.assert_allclose(
        crossings(harmonic[:, 1], 0.01), 2 * np.pi / np.sqrt(motion.strength(constants, 'harmonic')), rtol=5e-3
    )


def test_a_planet_is_where_keplers_equation_says():
    """From the nearest place: E - e sin E = 2 pi t / T, x = a (cos E - e), y = a sqrt(1 - e^2) sin E."""
    motion, e, axis, mass = Planets(), np.array([0.0, 0.3, 0.6]), np.array([0.8, 1.0, 1.1]), np.array([0.7, 1.0, 1.9])
    speed = np.sqrt(4 * np.pi**2 * mass / axis * (1 + e) / (1 - e))
    start = {'mass': mass, 'x': axis * (1 - e), 'y': 0 * e, 'x_velocity': 0 * e, 'y_velocity': speed}
    places, _ = motion.flown({**start, 'distance': start['x']}, 'inverse_square', 32)
    mean = 2 * np.pi * motion.interval * np.arange(32)[:, None] / np.sqrt(axis**3 / mass)
    anomaly = mean.copy()
    for _ in range(50):
        anomaly -= (anomaly - e * np.sin(anomaly) - mean) / (1 - e * np.cos(anomaly))
    wanted = np.stack([axis * (np.cos(anomaly) - e), axis * np.sqrt(1 - e**2) * np.sin(anomaly)], 1)
    # A level of the picture is 4 / 256 wide; the error is largest for the fastest orbit of e = 0.6.
    np.testing.assert_allclose(places, wanted, atol=0.3 * 4 / 256)


@pytest.mark.parametrize('law', FORCES)
def test_three_bodies_keep_energy_momentum_and_angular_momentum(law: str):
    motion = ThreeBodies(laws=(law,))
    constants = drawn(motion)
    places, velocities = motion.flown(constants, law, 16)
    holds, mass = motion.moved(constants, law, 16)[1], motion.masses(constants)[:, None]
    energy = motion.energy(constants, law, places, velocities)
    kinetic = (mass * velocities[0] ** 2).sum((0, 1)) / 2
    assert holds.mean() > (0.6 if law == 'inverse_cube' else 0.98)
    assert np.median(np.abs(energy - energy[0]).max(0) / kinetic) < 2e-4
    np.testing.assert_allclose((mass * velocities).sum(1), 0, atol=1e-9)
    np.testing.assert_allclose((mass * places).sum(1), 0, atol=1e-9)
    turning = (mass[:, 0] * (places[:, :, 0] * velocities[:, :, 1] - places[:, :, 1] * velocities[:, :, 0])).sum(1)
    np.testing.assert_allclose(turning, np.broadcast_to(turning[0], turning.shape), atol=1e-9)


def test_energy_drifts_by_the_fourth_power_of_the_step():
    worst = []
    for substeps in (8, 16):
        motion = ThreeBodies(substeps=substeps)
        constants = drawn(motion)
        energy = motion.energy(constants, 'inverse_square', *motion.flown(constants, 'inverse_square', 16))
        worst.append(np.median(np.abs(energy - energy[0]).max(0)))
    assert motion.step == pytest.approx(0.15 / 16) and worst[0] / worst[1] == pytest.approx(16, rel=0.3)
    assert worst[0] < 1e-4


@pytest.mark.parametrize('kind', MOTIONS)
def test_constants_and_starts_tell_nothing_of_the_law(kind: str):
    """The law is drawn apart from them, also after draws that do not count; the first two observations are nearly alike."""
    motion = MOTIONS[kind](laws=MOTIONS[kind].LAWS)
    paths = motion.draw(np.random.default_rng(5), 6000, 8)
    shares = np.bincount(paths.law) / len(paths.law)
    np.testing.assert_allclose(shares, 1 / len(motion.laws), atol=0.05)
    for values in (*paths.constants.values(), *paths.where[:, 0].T):
        means = [values[paths.law == law].mean() for law in range(len(motion.laws))]
        few = np.bincount(paths.law).min()
        assert np.ptp(means) < 5 * values.std() * np.sqrt(2 / few)


@pytest.mark.parametrize('kind', MOTIONS)
def test_everything_stays_in_the_picture(kind: str):
    motion = MOTIONS[kind](laws=MOTIONS[kind].LAWS)
    paths = motion.draw(np.random.default_rng(5), 500, 12)
    assert paths.where.shape == (len(paths.law), 12, len(motion.COORDINATES)) and len(paths.law) > 100
    assert np.abs(paths.where).max() <= motion.REACH and np.abs(paths.where).max() > 0.8 * motion.REACH


def test_the_fit_of_each_law_tells_exact_orbits_apart():
    motion = Planets(laws=Planets.LAWS, interval=0.01)
    paths = motion.draw(np.random.default_rng(2), 2000, 24)
    assert (motion.fitted(paths.where) == paths.law).mean() > 0.99
    assert Pendulums().fitted(paths.where) is None


BAD = [
    ('pendulums', {'laws': ()}, r"laws=\(\); allowed: one or more of \['undamped', 'damped', 'driven'\]"),
    ('pendulums', {'laws': ('damped', 'damped')}, 'each once; choose some'),
    ('planets', {'laws': ('damped',)}, r"laws=\('damped',\); allowed: .*'inverse_square'"),
    ('planets', {'interval': 0.0}, "motion 'planets': interval=0.0 is given, allowed is above 0"),
    ('planets', {'substeps': 10_001}, 'substeps=10001; allowed: 1 to 10000; lower it'),
    ('planets', {'nearest': 1.5}, 'nearest=1.5 and farthest=1.2; allowed: nearest above 0 and farthest no less'),
    ('planets', {'farthest': 2.0}, 'farthest=2.0; allowed: below 2.0, the picture'),
    ('pendulums', {'shortest': 0.0}, 'shortest=0.0 and longest=2.0'),
    ('pendulums', {'swing': 3.2}, 'swing=3.2; allowed: above 0 and below pi'),
    ('three_bodies', {'substeps': -1}, "motion 'three_bodies': substeps=-1"),
    ('three_bodies', {'softening': 0.0}, 'softening=0.0; allowed: above 0, so that no two bodies meet'),
]


@pytest.mark.parametrize(('kind', 'fields', 'message'), BAD, ids=[f'{kind}_{i}' for i, (kind, *_) in enumerate(BAD)])
def test_bad_fields_are_refused(kind: str, fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        MOTIONS[kind](**fields)


def test_what_flies_off_to_infinity_is_outside_and_nothing_to_be_warned_of():
    class Flies(Pendulums):
        def moved(self, constants: dict, law: str, events: int) -> tuple[np.ndarray, np.ndarray]:
            places, holds = super().moved(constants, law, events)
            nothing = np.zeros(places.shape[2])
            places[0, 0] = np.where(
                np.arange(len(nothing)) < 5, places[0, 0], np.exp(nothing + 1e4) - 1 / nothing + nothing / nothing
            )
            return places, holds

    with warnings.catch_warnings():
        warnings.simplefilter('error')
        paths = Flies().draw(np.random.default_rng(0), 50, 3)
    assert 1 <= len(paths.law) <= 5 and np.isfinite(paths.where).all()

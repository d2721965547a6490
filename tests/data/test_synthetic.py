"""Data sets drawn from a formula: the facts of their geometry."""

import numpy as np
import pytest

from vgrad.data import Blobs, Circles, Line, Moons, Sine, Spirals, Teacher

EXACT = 1e-12  # a few roundings of numbers below 10


def read(part, seed=0):
    return part.read(np.random.default_rng(seed))


def test_line_is_the_four_points_of_y_equals_x_plus_1():
    examples = read(Line())
    assert examples.x.tolist() == [[1], [2], [3], [4]]
    assert examples.y.tolist() == [[2], [3], [4], [5]]


def test_spirals_are_by_default_the_194_points_of_lang_and_witbrock():
    examples = read(Spirals())
    i = np.arange(97)
    radius, angle = 6.5 * (104 - i) / 104, i * np.pi / 16  # as in their paper
    arm = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    assert np.abs(examples.x[examples.y == 0] - arm).max() < EXACT
    assert np.abs(examples.x[examples.y == 1] + arm).max() < EXACT


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_every_spiral_is_the_first_one_turned(classes):
    examples = read(Spirals(n_samples=20 * classes, classes=classes, turns=1.5))
    z = examples.x @ [1, 1j]
    for arm in range(classes):
        turned = z[examples.y == 0] * np.exp(2j * np.pi * arm / classes)
        assert np.abs(z[examples.y == arm] - turned).max() < EXACT


def test_circles_have_radius_1_and_the_factor():
    examples = read(Circles(n_samples=101, noise=0.0, factor=0.3))
    radius = np.hypot(*examples.x.T)
    assert np.abs(radius - np.where(examples.y == 0, 1, 0.3)).max() < EXACT
    assert np.abs(examples.x[examples.y == 0].mean(axis=0)).max() < EXACT  # evenly spread


def test_moons_are_half_circles_about_two_centres():
    examples = read(Moons(n_samples=100, noise=0.0))
    for moon, centre, side in ((0, (0, 0), 1), (1, (1, 0.5), -1)):
        from_centre = examples.x[examples.y == moon] - centre
        assert np.abs(np.hypot(*from_centre.T) - 1).max() < EXACT
        assert (side * from_centre[:, 1] > -EXACT).all()
        assert np.ptp(from_centre[:, 0]) == pytest.approx(2, abs=EXACT)  # from end to end


@pytest.mark.parametrize("part", [Moons, Circles, Spirals])
def test_noise_is_gaussian_on_each_coordinate(part):
    clean, noisy = read(part(n_samples=20_000, noise=0.0)), read(part(n_samples=20_000, noise=0.2))
    difference = noisy.x - clean.x
    assert (noisy.y == clean.y).all()
    # Standard errors at 20,000 draws: 0.0014 of the mean, 0.001 of the deviation; five of them.
    assert np.abs(difference.mean(axis=0)).max() < 0.007
    assert np.abs(difference.std(axis=0) - 0.2).max() < 0.005


def test_blobs_scatter_by_std_around_centres_in_the_box():
    examples = read(Blobs(n_samples=30_000, classes=3, features=2, std=0.5, box=4.0))
    for label in range(3):
        points = examples.x[examples.y == label]
        # 10,000 draws: standard error 0.0035 of the deviation, 0.005 of the mean; five of them.
        assert np.abs(points.std(axis=0) - 0.5).max() < 0.018
        assert np.abs(points.mean(axis=0)).max() < 4.025


@pytest.mark.parametrize("part", [Blobs, Spirals])
def test_classes_are_equal_in_number(part):
    counts = np.bincount(read(part(n_samples=100, classes=7)).y)
    assert set(counts) == {14, 15}
    assert len(counts) == 7


def test_teacher_is_a_tanh_network_of_its_inputs():
    examples = read(Teacher(n_samples=500, features=3, hidden=1, outputs=2))
    first, second = examples.y.T
    # One hidden unit: both outputs are multiples of one tanh(w·x), so that w can be found again.
    assert np.abs(first * second[0] - second * first[0]).max() < EXACT
    amplitude = np.abs(first).max()
    losses = []
    for scale in np.linspace(1.0, 3.0, 2001):
        pre = np.arctanh(np.clip(first / (scale * amplitude), -0.999_999, 0.999_999))
        w, *_ = np.linalg.lstsq(examples.x, pre, rcond=None)
        losses.append(np.abs(examples.x @ w - pre).max())
    assert min(losses) < 0.02 < max(losses)


def test_teacher_keeps_its_answers_of_order_1_at_every_size():
    for features, hidden in ((2, 300), (300, 2), (100, 100)):
        y = read(Teacher(n_samples=2000, features=features, hidden=hidden, outputs=50)).y
        assert 0.2 < y.std() < 1.0  # E tanh²(z) of z ~ N(0, 1) is 0.39, its root 0.63


def test_teacher_noise_is_added_to_the_answers():
    clean = read(Teacher(n_samples=20_000, noise=0.0))
    noisy = read(Teacher(n_samples=20_000, noise=0.3))
    assert (clean.x == noisy.x).all()
    assert (noisy.y - clean.y).std() == pytest.approx(0.3, abs=0.008)  # five standard errors


def test_sine_is_a_sine_over_one_period():
    exact = read(Sine(n_samples=500, noise=0.0))
    assert (exact.y == np.sin(exact.x)).all()
    assert -np.pi <= exact.x.min() < -3 < 3 < exact.x.max() <= np.pi
    noisy = read(Sine(n_samples=20_000, noise=0.1))
    assert (noisy.y - np.sin(noisy.x)).std() == pytest.approx(0.1, abs=0.0025)  # five errors

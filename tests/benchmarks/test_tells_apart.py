"""The tests that look for a difference see one where there is one, and none where there is none."""

from random import Random

import pytest

from tests.benchmarks.timing import SEEN_BELOW, kolmogorov_smirnov, mann_whitney


def noise(seed: int, *, mean: float = 250.0, deviation: float = 2.0) -> list[float]:
    draw = Random(seed)
    return [draw.gauss(mean, deviation) for _ in range(1000)]


@pytest.mark.parametrize("seed", range(0, 10, 2))
def test_the_same_distribution_is_not_told_apart(seed: int) -> None:
    assert mann_whitney(noise(seed), noise(seed + 1)) > SEEN_BELOW
    assert kolmogorov_smirnov(noise(seed), noise(seed + 1)) > SEEN_BELOW


def test_half_a_millisecond_is_seen() -> None:
    assert mann_whitney(noise(1), noise(2, mean=250.5)) < SEEN_BELOW
    assert kolmogorov_smirnov(noise(1), noise(2, mean=250.5)) < SEEN_BELOW


def test_another_spread_is_seen_by_one_of_them() -> None:
    assert kolmogorov_smirnov(noise(1), noise(2, deviation=3.0)) < SEEN_BELOW

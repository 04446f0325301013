"""The statistical tests of timing.py find a difference between samples if and only if there is one."""

from random import Random

import pytest

from tests.benchmarks.timing import SIGNIFICANT_BELOW, kolmogorov_smirnov, mann_whitney


def noise(seed: int, *, mean: float = 250.0, deviation: float = 2.0) -> list[float]:
    draw = Random(seed)
    return [draw.gauss(mean, deviation) for _ in range(1000)]


@pytest.mark.parametrize("seed", range(0, 10, 2))
def test_samples_of_one_distribution_do_not_differ(seed: int) -> None:
    assert mann_whitney(noise(seed), noise(seed + 1)) > SIGNIFICANT_BELOW
    assert kolmogorov_smirnov(noise(seed), noise(seed + 1)) > SIGNIFICANT_BELOW


def test_difference_of_half_a_millisecond_is_found() -> None:
    assert mann_whitney(noise(1), noise(2, mean=250.5)) < SIGNIFICANT_BELOW
    assert kolmogorov_smirnov(noise(1), noise(2, mean=250.5)) < SIGNIFICANT_BELOW


def test_different_spread_is_found_by_kolmogorov_smirnov() -> None:
    assert kolmogorov_smirnov(noise(1), noise(2, deviation=3.0)) < SIGNIFICANT_BELOW

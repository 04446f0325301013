"""Can anybody tell from the time of an answer whether a PIN, an address or a date of birth is known?

Each pair of questions is asked in turn, A B A B ..., through the whole stack of middleware and views, on a database of its
own. Two tests then try to tell the two rows of times apart: Mann-Whitney's (is one of them slower?) and Kolmogorov and
Smirnov's (do they differ in any way?). With six pairs and two tests a difference counts as seen below p = 0.01 / 12.

    make bench-timing                    # 1,000 questions of each kind; about an hour
    make bench-timing ARGS="--samples 100"
"""

import argparse
import itertools
import json
import math
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    os.environ |= {"DEMO": "True", "DATA_DIR": tempfile.mkdtemp(), "LOG_LEVEL": "ERROR"}
    django.setup()

from django.conf import settings
from django.core.management import call_command
from django.test import Client

from patients.models import Patient
from portal.audit import Actor
from registration import pins
from registration.claiming import rate_limits
from registration.issuing import pin_display
from registration.models import AttemptCounter, Registration
from registration.pins import Pin
from registration.values import Recipient
from tests import factories
from tests.factories import SESSION_KEY, issue_registration

PAIRS = 6
SEEN_BELOW = 0.01 / (2 * PAIRS)
BORN = date(2019, 3, 5)

Ask = Callable[[], int]


@dataclass
class Pair:
    """Two questions whose answers must not be told apart; `again` makes both possible anew, outside the measured time."""

    name: str
    known: Ask
    unknown: Ask
    again: Callable[[], None]


@dataclass
class Finding:
    name: str
    known: list[float]
    unknown: list[float]

    def as_row(self) -> dict[str, float | str | bool]:
        slower, differs = mann_whitney(self.known, self.unknown), kolmogorov_smirnov(self.known, self.unknown)
        return {
            "pair": self.name,
            "samples": len(self.known),
            "known_median_ms": 1000 * statistics.median(self.known),
            "unknown_median_ms": 1000 * statistics.median(self.unknown),
            "known_iqr_ms": 1000 * spread(self.known),
            "unknown_iqr_ms": 1000 * spread(self.unknown),
            "p_mann_whitney": slower,
            "p_kolmogorov_smirnov": differs,
            "told_apart": min(slower, differs) < SEEN_BELOW,
        }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--samples", type=int, default=1000)
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--only", type=int, nargs="*", help="the numbers of the pairs, from 0")
    chosen = arguments.parse_args()
    settings.ALLOWED_HOSTS = ["*"]
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.ACCOUNT_RATE_LIMITS = False  # the pace of what is answered is measured, not what is refused
    codes = ("CODES_OF_AN_ASKER", "CODES_OF_STRANGERS", "CODES_OF_KNOWN", "CODES_ASKED_FROM")
    for name in ("OF_AN_ADDRESS", "OF_A_SITE", "OVER_ALL", "OF_A_PATIENT", *codes):
        setattr(rate_limits, name, (rate_limits.Limit(10**9, timedelta(days=1)),))
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    rows = []
    for number, pair in enumerate(pairs()):
        if chosen.only and number not in chosen.only:
            continue
        row = measure(pair, samples=chosen.samples).as_row()
        rows.append(row)
        print(
            f"{row['pair']:<58} {row['known_median_ms']:7.2f} {row['unknown_median_ms']:7.2f} ms"
            f"  IQR {row['known_iqr_ms']:6.2f} {row['unknown_iqr_ms']:6.2f}"
            f"  p {row['p_mann_whitney']:.3f} {row['p_kolmogorov_smirnov']:.3f}"
            f"  {'TOLD APART' if row['told_apart'] else 'not told apart'}",
            flush=True,
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2))
    raise SystemExit(any(row["told_apart"] for row in rows))


def pairs() -> Iterator[Pair]:
    practice = factories.a_practice()
    desk = factories.a_member(practice)
    patient = factories.a_patient(practice)
    actor = Actor(user=desk, name=desk.email)
    factories.an_account("known@families.example")
    registration, pin = issue(patient, actor)

    def again() -> None:
        Registration.objects.update(wrong_attempts=0, state="pending", ended_at=None)
        AttemptCounter.objects.all().delete()

    strangers = (pins.generate() for _ in itertools.count())
    tails = (Pin(pin.selector + pins.generate().characters[4:]) for _ in itertools.count())
    other_day = date(2018, 7, 9)
    yield Pair(
        "PIN: known with a wrong date of birth | unknown",
        lambda: start(pin, other_day),
        lambda: start(next(strangers), other_day),
        again,
    )
    yield Pair(
        "PIN: a known beginning | an unknown one",
        lambda: start(next(tails), BORN),
        lambda: start(next(strangers), BORN),
        again,
    )
    yield Pair(
        "date of birth: a patient's | nobody's, with an unknown PIN",
        lambda: start(next(strangers), BORN),
        lambda: start(next(strangers), other_day),
        again,
    )
    at_details = opened(registration, pin)
    strange_addresses = (f"{uuid.uuid4().hex[:5]}@families.example" for _ in itertools.count())
    yield Pair(
        "new account: a known address | an unknown one",
        lambda: details(at_details, "known@families.example"),
        lambda: details(at_details, next(strange_addresses)),
        again,
    )
    yield Pair(
        "sign-in: a known address | an unknown one",
        lambda: sign_in("known@families.example"),
        lambda: sign_in(next(strange_addresses)),
        again,
    )
    yield Pair(
        "forgotten password: a known address | an unknown one",
        lambda: reset("known@families.example"),
        lambda: reset(next(strange_addresses)),
        again,
    )


def measure(pair: Pair, *, samples: int) -> Finding:
    times: dict[Ask, list[float]] = {pair.known: [], pair.unknown: []}
    for number in range(samples + 3):
        for ask in (pair.known, pair.unknown) if number % 2 else (pair.unknown, pair.known):
            pair.again()
            begun = time.perf_counter()
            status = ask()
            took = time.perf_counter() - begun
            assert status in {200, 302, 422}, (pair.name, status)
            if number >= 3:  # the first ones load what is loaded once
                times[ask].append(took)
    return Finding(pair.name, times[pair.known], times[pair.unknown])


# --- The questions ---

_BROWSER = Client()  # one for all: a new one would load the middleware anew, and its time would hide what is looked for


def a_browser() -> Client:
    """One that knows nothing yet."""
    _BROWSER.cookies.clear()
    return _BROWSER


def born(day: date) -> dict[str, str]:
    return {"birth_date_0": str(day.month), "birth_date_1": str(day.day), "birth_date_2": str(day.year)}


def start(pin: Pin, birth_date: date) -> int:
    return a_browser().post("/start/", {"pin": pin.shown, **born(birth_date)}).status_code


def details(client: Client, email: str) -> int:
    typed = {"email": email, "sign_in_method": "password", "password": "four words nobody puts together", "terms": "on"}
    return client.post("/start/sign-in-details/", typed).status_code


def sign_in(email: str) -> int:
    return a_browser().post("/start/sign-in/", {"login": email, "password": "not the password at all"}).status_code


def reset(email: str) -> int:
    return a_browser().post("/accounts/password/reset/", {"email": email}).status_code


def issue(patient: Patient, actor: Actor) -> tuple[Registration, Pin]:
    registration = issue_registration(patient, Recipient(name="Rosa Prado", relationship="Aunt"), actor=actor)
    pin = pin_display.find_pin(registration, session_key=SESSION_KEY)
    assert pin is not None
    return registration, pin


def opened(registration: Registration, pin: Pin) -> Client:
    """A browser whose family has got as far as the address."""
    client = Client()
    assert client.post("/start/", {"pin": pin.shown, **born(BORN)}).status_code == 302
    you = {"given_names": "Elena", "family_name": "García", "relationship": "mother", "phone": ""}
    assert client.post("/start/about-you/", you).status_code == 302
    return client


# --- The tests ---


def spread(values: list[float]) -> float:
    first, _, third = statistics.quantiles(values, n=4)
    return third - first


def mann_whitney(one: list[float], other: list[float]) -> float:
    """Two-sided p of the rank sum, by the normal approximation (no ties to speak of among nanoseconds)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    rank_sum = sum(rank for rank, (_, which) in enumerate(ranked, start=1) if which == 0)
    n, m = len(one), len(other)
    z = (rank_sum - n * (n + m + 1) / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return 2 * (1 - float(statistics.NormalDist().cdf(abs(z))))


def kolmogorov_smirnov(one: list[float], other: list[float]) -> float:
    """p of the greatest distance between the two distributions, by Kolmogorov's series."""
    n, m = len(one), len(other)
    steps = sorted([(value, 1 / n) for value in one] + [(value, -1 / m) for value in other])
    distance = max(map(abs, itertools.accumulate(step for _, step in steps)))
    scale = math.sqrt(n * m / (n + m))
    x = (scale + 0.12 + 0.11 / scale) * distance
    if x < 0.3:
        return 1.0
    terms = (math.exp(-2 * (k * x) ** 2) * (1.0 if k % 2 else -1.0) for k in range(1, 101))
    return min(1.0, 2 * sum(terms))


if __name__ == "__main__":
    main()

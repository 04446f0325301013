"""Check that response times do not reveal whether a PIN, an email address or a date of birth is known.

The two requests of a pair are sent in turn, A B A B, through all middleware and views, on a separate database.
Two statistical tests then compare the two samples of times: Mann-Whitney (is one slower?) and Kolmogorov-Smirnov (do
they differ in any way?). With six pairs and two tests, a difference is significant if p < 0.01 / 12.

    make bench-timing                    # 1,000 requests of each kind, about an hour
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
SIGNIFICANT_BELOW = 0.01 / (2 * PAIRS)
BORN = date(2019, 3, 5)

Send = Callable[[], int]


@dataclass
class Pair:
    """Two requests whose response times must not differ. `reset` runs before each request and is not measured."""

    name: str
    known: Send
    unknown: Send
    reset: Callable[[], None]


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
            "distinguishable": min(slower, differs) < SIGNIFICANT_BELOW,
        }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--samples", type=int, default=1000)
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--only", type=int, nargs="*", help="the numbers of the pairs, from 0")
    chosen = arguments.parse_args()
    settings.ALLOWED_HOSTS = ["*"]
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.ACCOUNT_RATE_LIMITS = False  # measure normal responses, not refusals
    codes = (
        "CODES_PER_REQUESTER",
        "CODES_TO_ADDRESS_BY_STRANGERS",
        "CODES_TO_ADDRESS_BY_PIN_HOLDERS",
        "CODES_PER_NETWORK",
    )
    for name in ("PER_NETWORK", "PER_SITE", "GLOBAL", "PER_PATIENT", *codes):
        assert hasattr(rate_limits, name), name
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
            f"  {'DISTINGUISHABLE' if row['distinguishable'] else 'not distinguishable'}",
            flush=True,
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2))
    raise SystemExit(any(row["distinguishable"] for row in rows))


def pairs() -> Iterator[Pair]:
    practice = factories.a_practice()
    desk = factories.a_member(practice)
    patient = factories.a_patient(practice)
    actor = Actor(user=desk, name=desk.email)
    factories.an_account("known@families.example")
    registration, pin = issue(patient, actor)

    def reset_attempts() -> None:
        Registration.objects.update(wrong_attempts=0, state="pending", ended_at=None)
        AttemptCounter.objects.all().delete()

    strangers = (pins.generate() for _ in itertools.count())
    tails = (Pin(pin.selector + pins.generate().characters[4:]) for _ in itertools.count())
    other_day = date(2018, 7, 9)
    yield Pair(
        "PIN: known with a wrong date of birth | unknown",
        lambda: start(pin, other_day),
        lambda: start(next(strangers), other_day),
        reset_attempts,
    )
    yield Pair(
        "PIN: known first characters | unknown ones",
        lambda: start(next(tails), BORN),
        lambda: start(next(strangers), BORN),
        reset_attempts,
    )
    yield Pair(
        "date of birth: a patient's | unknown, with an unknown PIN",
        lambda: start(next(strangers), BORN),
        lambda: start(next(strangers), other_day),
        reset_attempts,
    )
    at_details = opened(registration, pin)
    strange_addresses = (f"{uuid.uuid4().hex[:5]}@families.example" for _ in itertools.count())
    yield Pair(
        "new account: a known address | an unknown one",
        lambda: details(at_details, "known@families.example"),
        lambda: details(at_details, next(strange_addresses)),
        reset_attempts,
    )
    yield Pair(
        "sign-in: a known address | an unknown one",
        lambda: sign_in("known@families.example"),
        lambda: sign_in(next(strange_addresses)),
        reset_attempts,
    )
    yield Pair(
        "forgotten password: a known address | an unknown one",
        lambda: reset("known@families.example"),
        lambda: reset(next(strange_addresses)),
        reset_attempts,
    )


def measure(pair: Pair, *, samples: int) -> Finding:
    times: dict[Send, list[float]] = {pair.known: [], pair.unknown: []}
    for number in range(samples + 3):
        for send in (pair.known, pair.unknown) if number % 2 else (pair.unknown, pair.known):
            pair.reset()
            started = time.perf_counter()
            status = send()
            took = time.perf_counter() - started
            assert status in {200, 302, 422}, (pair.name, status)
            if number >= 3:  # the first requests are a warm-up
                times[send].append(took)
    return Finding(pair.name, times[pair.known], times[pair.unknown])


# --- The requests ---

_BROWSER = Client()  # shared, because each new client loads the middleware, which would hide small differences


def a_browser() -> Client:
    """Return the shared client without its cookies."""
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
    """Return a client in which a family has reached the sign-in details."""
    client = Client()
    assert client.post("/start/", {"pin": pin.shown, **born(BORN)}).status_code == 302
    you = {"given_names": "Elena", "family_name": "García", "relationship": "mother", "phone": ""}
    assert client.post("/start/about-you/", you).status_code == 302
    return client


# --- The statistical tests ---


def spread(values: list[float]) -> float:
    first, _, third = statistics.quantiles(values, n=4)
    return third - first


def mann_whitney(one: list[float], other: list[float]) -> float:
    """Return the two-sided p-value of the rank sum, by the normal approximation. Ties are too rare to matter."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    rank_sum = sum(rank for rank, (_, which) in enumerate(ranked, start=1) if which == 0)
    n, m = len(one), len(other)
    z = (rank_sum - n * (n + m + 1) / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return 2 * (1 - float(statistics.NormalDist().cdf(abs(z))))


def kolmogorov_smirnov(one: list[float], other: list[float]) -> float:
    """Return the p-value of the largest distance between the two distributions, by Kolmogorov's series."""
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

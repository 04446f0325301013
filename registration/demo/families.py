"""Generate the patients of a practice: families with siblings, twins, two homes, newborns and teens.

The same seed and the same `today` give the same people on every machine. None of them are real: phone numbers are in the
range reserved for fiction (555-0100 to 555-0199), and email addresses use the reserved domain .example (RFC 2606).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count, islice
from random import Random
from typing import Final

from patients.intake.records import ContactRecord, PatientRecord
from patients.names import key
from registration.demo.cast import CAST, Child, Family
from registration.demo.names import EUROPEAN, GOES_BY, ORIGINS, STREETS, Origin

_MAX_AGE: Final = 21.8  # years, when patients leave a pediatric practice
_FAMILY_SIZES: Final = {1: 17, 2: 28, 3: 24, 4: 17, 5: 9, 6: 5}  # number of children: percent of families
_MAIL_DOMAINS: Final = ("mail.example", "post.example", "inbox.example", "letters.example")


@dataclass(frozen=True, kw_only=True)
class Neighborhood:
    """The area that a practice serves. MRNs start with `prefix`. `towns` are town names with ZIP codes."""

    prefix: str
    source_system: str
    state: str
    towns: tuple[tuple[str, str], ...]
    area_codes: tuple[int, ...]
    cast: tuple[Family, ...] = ()


# Area code 612 is reserved for the cast and the practice, so that no one else gets their numbers.
MAPLE_GROVE: Final = Neighborhood(
    prefix="MG",
    source_system="https://ehr.maplegrove.example/patients",
    state="MN",
    towns=(("Lindenwood", "55298"), ("Birch Falls", "55297"), ("Otter Bend", "55296"), ("North Alder", "55299")),
    area_codes=(651, 763, 952, 507, 218, 320, 715, 608, 920, 414, 262, 534, 515, 319, 563, 641, 712, 605, 701),
    cast=CAST,
)
HARBOR_STREET: Final = Neighborhood(
    prefix="HS",
    source_system="https://ehr.harborstreet.example/patients",
    state="ME",
    towns=(("Saltmarsh", "04998"), ("Gull Harbor", "04997")),
    area_codes=(603, 978),
)


@dataclass(frozen=True, kw_only=True)
class _Household:
    """The adults of a family. `share` is the percentage of families like this. Adults in `barred` may not see the record."""

    share: int
    adults: tuple[str, ...]
    barred: tuple[str, ...] = ()
    two_homes: bool = False


_HOUSEHOLDS: Final = (
    _Household(share=56, adults=("Mother", "Father")),
    _Household(share=14, adults=("Mother",)),
    _Household(share=3, adults=("Father",)),
    _Household(share=8, adults=("Mother", "Father"), two_homes=True),
    _Household(share=4, adults=("Mother", "Father"), barred=("Father",), two_homes=True),
    _Household(share=1, adults=("Father", "Mother"), barred=("Mother",), two_homes=True),
    _Household(share=4, adults=("Mother", "Stepfather"), barred=("Stepfather",)),
    _Household(share=3, adults=("Mother", "Father", "Grandmother"), barred=("Grandmother",)),
    _Household(share=3, adults=("Grandmother",)),
    _Household(share=1, adults=("Guardian",)),
    _Household(share=2, adults=("Foster parent",)),
    _Household(share=1, adults=()),
)
_MEN: Final = {"Father", "Stepfather"}


def families(count_patients: int, *, seed: int, today: date, around: Neighborhood = MAPLE_GROVE) -> list[PatientRecord]:
    """Return this many patients, with siblings next to each other and the neighborhood's cast first."""
    population = _Population(rng=Random(seed), around=around)  # noqa: S311 - people of a demo, not secrets
    return list(islice(_records(population.families(), around=around, today=today), count_patients))


def _records(households: Iterator[Family], *, around: Neighborhood, today: date) -> Iterator[PatientRecord]:
    number = 100_000
    for family in households:
        for child in family.children:
            number += 1
            yield _record(child, family=family, mrn=f"{around.prefix}-{number}", around=around, today=today)


def _record(child: Child, *, family: Family, mrn: str, around: Neighborhood, today: date) -> PatientRecord:
    city, postal_code = family.town
    return PatientRecord(
        source_system=around.source_system,
        source_id=mrn,
        mrn=mrn,
        family_name=family.surname,
        given_names=child.given_names,
        preferred_name=child.preferred_name,
        birth_date=_before(today, years=child.age),
        sex=child.sex,
        active=child.active and child.died is None,
        deceased=child.died is not None,
        deceased_on=None if child.died is None else _before(today, years=child.died),
        language=family.language,
        phone=child.phone,
        email=child.email,
        street=child.street or family.street,
        city=city,
        state=around.state,
        postal_code=postal_code,
        contacts=tuple(
            replace(contact, key=f"{mrn}/{number}") for number, contact in enumerate(family.contacts, start=1)
        ),
    )


def _before(today: date, *, years: float) -> date:
    return today - timedelta(days=round(years * 365.25))


class _Population:
    """An endless series of families from one random generator."""

    def __init__(self, *, rng: Random, around: Neighborhood) -> None:
        self._rng = rng
        self._around = around
        self._numbers = count()

    def families(self) -> Iterator[Family]:
        yield from self._around.cast
        for number in count(len(self._around.cast) + 1):
            yield self._family(number)

    def _family(self, number: int) -> Family:
        rng = self._rng
        origin = rng.choices(ORIGINS, [origin.share for origin in ORIGINS])[0]
        household = rng.choices(_HOUSEHOLDS, [household.share for household in _HOUSEHOLDS])[0]
        fathers, mothers = self._common(origin.surnames), self._common(origin.surnames)
        keeps_hers = self._happens(0.3 if origin is EUROPEAN else 0.6)
        doubled = keeps_hers and fathers != mothers and self._happens(0.4 if origin.language == "es" else 0.1)
        adults = {"Father": fathers, "Mother": mothers if keeps_hers else fathers, "Guardian": mothers}
        return Family(
            surname=f"{fathers}-{mothers}" if doubled else fathers,
            children=self._children(origin=origin, household=household, number=number, surname=fathers),
            contacts=tuple(
                self._adult(role, origin=origin, household=household, number=number, surname=adults.get(role, ""))
                for role in household.adults
            ),
            language=origin.language if self._happens(origin.spoken / 100) else "en",
            street=self._street(),
            town=rng.choice(self._around.towns),
        )

    def _children(self, *, origin: Origin, household: _Household, number: int, surname: str) -> tuple[Child, ...]:
        other_home = self._street() if household.two_homes and self._happens(0.5) else ""
        children: list[Child] = []
        for age in self._ages():
            taken = {child.given_names for child in children}
            child = self._child(age, origin=origin, taken=taken, address=f"{key(surname)}{number}")
            lives_elsewhere = other_home and not children
            children.append(replace(child, street=other_home) if lives_elsewhere else child)
        return tuple(children)

    def _ages(self) -> list[float]:
        """Return ages in years, oldest first. Twins have the same age."""
        rng = self._rng
        ages = [rng.triangular(0.01, 17, 2)]
        for _ in range(rng.choices(list(_FAMILY_SIZES), list(_FAMILY_SIZES.values()))[0] - 1):
            ages.append(ages[-1] + (0 if self._happens(0.03) else rng.uniform(1.3, 4)))
        return [age for age in reversed(ages) if age < _MAX_AGE]

    def _child(self, age: float, *, origin: Origin, taken: set[str], address: str) -> Child:
        sex = self._rng.choice(("female", "male"))
        given = self._first_name(origin, sex=sex)
        while given in taken:
            given = self._first_name(origin, sex=sex)
        is_reachable = self._happens(0.8 if age >= 18 else 0.25 if age >= 15 else 0)
        is_unnamed = age < 0.04
        return Child(
            given_names=("Baby Girl" if sex == "female" else "Baby Boy") if is_unnamed else given,
            sex=sex,
            age=age,
            preferred_name=GOES_BY.get(given, "") if self._happens(0.4) and not is_unnamed else "",
            email=f"{key(given)}.{address}@{self._rng.choice(_MAIL_DOMAINS)}" if is_reachable else "",
            phone=self._phone() if is_reachable else "",
            active=not self._happens(0.2 if age >= 20 else 0.015),
            died=age * 0.2 if self._happens(0.002) else None,
        )

    def _adult(
        self, relationship: str, *, origin: Origin, household: _Household, number: int, surname: str
    ) -> ContactRecord:
        given = self._first_name(origin, sex="male" if relationship in _MEN else "female")
        family = surname or self._common(origin.surnames)
        address = f"{key(given)}.{key(family)}{number}@{self._rng.choice(_MAIL_DOMAINS)}"
        return ContactRecord(
            key=relationship,
            family_name=family,
            given_names=given,
            relationship=relationship,
            email=address if self._happens(0.9) else "",
            phone=self._phone() if self._happens(0.95) else "",
            has_authority=relationship not in household.barred,
        )

    def _first_name(self, origin: Origin, *, sex: str) -> str:
        source = EUROPEAN if self._happens(0.25) else origin
        return self._common(source.girls if sex == "female" else source.boys)

    def _common(self, names: Sequence[str]) -> str:
        """Pick a name. Earlier names are more likely (Zipf's law, flattened for the most common names)."""
        return self._rng.choices(names, [1 / (rank + 8) for rank in range(len(names))])[0]

    def _street(self) -> str:
        flat = f", Apt {self._rng.randint(1, 24)}" if self._happens(0.2) else ""
        return f"{self._rng.randint(2, 980)} {self._rng.choice(STREETS)}{flat}"

    def _phone(self) -> str:
        """Return a fictional number. Numbers are unique as long as there are enough area codes."""
        block, line = divmod(next(self._numbers), 100)
        area_codes = self._around.area_codes
        return f"({area_codes[block % len(area_codes)]}) 555-{100 + line:04}"

    def _happens(self, chance: float) -> bool:
        return self._rng.random() < chance

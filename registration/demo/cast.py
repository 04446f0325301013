"""Demo families that the README and the tests mention by name, and the classes that describe every demo family."""

from dataclasses import dataclass
from typing import Final

from patients import names
from patients.intake.records import ContactRecord


@dataclass(frozen=True, kw_only=True)
class Child:
    """A patient. `age` and `died` count years before today. `street` is set if it differs from the family's street."""

    given_names: str
    sex: str
    age: float
    preferred_name: str = ""
    street: str = ""
    email: str = ""
    phone: str = ""
    active: bool = True
    died: float | None = None


@dataclass(frozen=True, kw_only=True)
class Family:
    """Siblings with the same family contacts. `town` is the town's name and ZIP code."""

    surname: str
    children: tuple[Child, ...]
    contacts: tuple[ContactRecord, ...] = ()
    language: str = "en"
    street: str
    town: tuple[str, str]


_LINDENWOOD: Final = ("Lindenwood", "55298")


def _adult(
    relationship: str, *, given: str, family: str, line: int, email: bool = True, has_authority: bool = True
) -> ContactRecord:
    return ContactRecord(
        key=relationship,
        family_name=family,
        given_names=given,
        relationship=relationship,
        email=f"{names.key(given)}.{names.key(family)}@mail.example" if email else "",
        phone=f"(612) 555-{line:04}",
        has_authority=has_authority,
    )


CAST: Final = (
    Family(
        surname="García-López",
        children=(
            Child(given_names="Sofía", sex="female", age=4.3),
            Child(given_names="Mateo", sex="male", age=7.6),
        ),
        contacts=(_adult("Mother", given="Elena", family="García", line=101),),
        street="18 Birch Lane",
        town=_LINDENWOOD,
    ),
    Family(
        surname="O'Brien",
        children=(Child(given_names="Liam", sex="male", age=8.4),),
        contacts=(
            _adult("Mother", given="Nora", family="O'Brien", line=102),
            _adult("Father", given="Sean", family="O'Brien", line=103, has_authority=False),
        ),
        street="7 Cedar Court",
        town=_LINDENWOOD,
    ),
    Family(
        surname="Smith",
        children=(Child(given_names="Baby Boy", sex="male", age=0.02),),
        contacts=(_adult("Mother", given="Megan", family="Smith", line=104),),
        street="220 Oak Avenue, Apt 3",
        town=_LINDENWOOD,
    ),
    Family(
        surname="Delgado",
        children=(Child(given_names="Baby Girl", sex="female", age=0.03),),
        contacts=(_adult("Mother", given="Paola", family="Delgado", line=105),),
        language="es",
        street="64 Mill Street",
        town=_LINDENWOOD,
    ),
    Family(
        surname="Nguyễn",
        children=(Child(given_names="Minh", sex="male", age=15.5),),
        contacts=(_adult("Mother", given="Lan", family="Nguyễn", line=106),),
        language="vi",
        street="9 Heron Way",
        town=_LINDENWOOD,
    ),
    Family(
        surname="Johansson",
        children=(
            Child(
                given_names="Astrid",
                sex="female",
                age=18.4,
                email="astrid.johansson@mail.example",
                phone="(612) 555-0107",
            ),
        ),
        contacts=(_adult("Mother", given="Britta", family="Johansson", line=108),),
        street="31 Lakeview Drive",
        town=_LINDENWOOD,
    ),
    Family(
        surname="Okafor",
        children=(
            Child(given_names="Ada", sex="female", age=6.2),
            Child(given_names="Obi", sex="male", age=6.2),
        ),
        contacts=(
            _adult("Mother", given="Ifeoma", family="Okafor", line=109),
            _adult("Father", given="Chidi", family="Okafor", line=110),
        ),
        street="5 Orchard Road",
        town=_LINDENWOOD,
    ),
    Family(
        surname="Müller",
        children=(Child(given_names="Jürgen", sex="male", age=9.5),),
        contacts=(_adult("Mother", given="Heidi", family="Müller", line=111, email=False),),
        street="12 Juniper Lane",
        town=_LINDENWOOD,
    ),
    Family(
        surname="Whitfield",
        children=(Child(given_names="William", preferred_name="Billy", sex="male", age=11.4),),
        contacts=(_adult("Grandmother", given="Rose", family="Whitfield", line=112),),
        street="48 Prairie Road",
        town=_LINDENWOOD,
    ),
    Family(
        surname="Lindahl",
        children=(Child(given_names="Nils", sex="male", age=10.7, died=0.4),),
        contacts=(_adult("Mother", given="Annika", family="Lindahl", line=113),),
        street="3 Aspen Circle",
        town=_LINDENWOOD,
    ),
    Family(
        surname="Castillo",
        children=(Child(given_names="Marisol", sex="female", age=16.5, active=False),),
        contacts=(_adult("Mother", given="Carmen", family="Castillo", line=114),),
        street="77 Elm Street",
        town=_LINDENWOOD,
    ),
    Family(
        surname="Xiong",
        children=(Child(given_names="Maly", sex="female", age=3.3),),
        language="hmn",
        street="140 Sunset Drive",
        town=_LINDENWOOD,
    ),
)

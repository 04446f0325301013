"""Staff accounts of the demo. Their passwords are public: the command prints them, and all data is invented."""

from dataclasses import dataclass
from typing import Final

from portal.models import Membership, Practice, User

Role = Membership.Role


@dataclass(frozen=True, kw_only=True)
class StaffMember:
    """A person with an account. `works_at` pairs the MRN prefix of a practice with a role there."""

    role: str
    name: str
    email: str
    password: str
    works_at: tuple[tuple[str, str], ...] = ()


STAFF: Final = (
    StaffMember(
        role="Front desk",
        name="Jamie Larsen",
        email="frontdesk@maplegrove.example",
        password="sunny-desk-morning",  # noqa: S106 - public, like the other passwords here
        works_at=(("MG", Role.FRONT_DESK),),
    ),
    StaffMember(
        role="Practice manager, and front desk at Harbor Street",
        name="Morgan Hale",
        email="manager@maplegrove.example",
        password="quiet-office-keys",  # noqa: S106
        works_at=(("MG", Role.MANAGER), ("HS", Role.FRONT_DESK)),
    ),
    StaffMember(
        role="Front desk at Harbor Street",
        name="Casey Lund",
        email="desk@harborstreet.example",
        password="seven-gulls-on-a-pier",  # noqa: S106
        works_at=(("HS", Role.FRONT_DESK),),
    ),
    StaffMember(
        role="Administrator",
        name="Robin Field",
        email="admin@demo.example",
        password="blue-kettle-on-the-stove",  # noqa: S106
    ),
)


def accounts() -> list[tuple[str, str, str]]:
    """Return the role, email address and password of each account."""
    return [(member.role, member.email, member.password) for member in STAFF]


def create(*, practices: dict[str, Practice]) -> None:
    """Create the accounts. People without a practice become administrators. `practices` is keyed by MRN prefix."""
    for member in STAFF:
        is_administrator = not member.works_at
        user = User.objects.create_user(
            member.email,
            member.password,
            name=member.name,
            is_staff=is_administrator,
            is_superuser=is_administrator,
        )
        for prefix, role in member.works_at:
            Membership.objects.create(user=user, practice=practices[prefix], role=role)

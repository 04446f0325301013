"""Who may sign in to the demo. Its passwords are no secret: the command prints them, and the data is nobody's."""

from dataclasses import dataclass
from typing import Final

from portal.models import Membership, Practice, User

Role = Membership.Role


@dataclass(frozen=True, kw_only=True)
class StaffMember:
    """A person with an account; `works_at` has a role for each practice, under the prefix of its MRNs."""

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
        password="sunny-desk-morning",  # noqa: S106 - printed for everybody, as are the others
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
    """Role, e-mail address and password of everybody who may sign in."""
    return [(each.role, each.email, each.password) for each in STAFF]


def create(*, practices: dict[str, Practice]) -> None:
    """Makes the accounts; who works in no practice is an administrator. `practices` by the prefix of their MRNs."""
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

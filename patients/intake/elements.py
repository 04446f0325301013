"""JSON of unknown make, read member by member as the type that it should have."""

from collections.abc import Mapping
from dataclasses import dataclass

from patients.intake.records import UnfitError, clean


@dataclass(slots=True)
class Element:
    """An object of a JSON file, whose members are read by their type; `path` is where it stands.

    A member that is missing, or null, reads as empty. Each method raises UnfitError where the type is another.
    """

    members: Mapping[str, object]
    path: str = ""

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str) -> str:
        value = self.members.get(name)
        return "" if value is None else self._clean(value, name)

    def texts(self, name: str) -> list[str]:
        """The texts of a list that say anything: FHIR puts a null where an extension stands in for one."""
        cleaned = [self._clean(value, name) for value in self._list(name) if value is not None]
        return [text for text in cleaned if text]

    def flag(self, name: str) -> bool | None:
        value = self.members.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise UnfitError(field=self.at(name), reason="is neither true nor false")

    def number(self, name: str) -> int | None:
        value = self.members.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise UnfitError(field=self.at(name), reason="is not a whole number")

    def child(self, name: str) -> "Element":
        value = self.members.get(name)
        return _element({} if value is None else value, path=self.at(name))

    def children(self, name: str) -> list["Element"]:
        if not (values := self._list(name)):
            return []
        path = self.at(name)
        return [_element(value, path=f"{path}[{place}]") for place, value in enumerate(values) if value is not None]

    def _list(self, name: str) -> list[object]:
        value = self.members.get(name)
        if value is None or isinstance(value, list):
            return value or []
        raise UnfitError(field=self.at(name), reason="is not a list")

    def _clean(self, value: object, name: str) -> str:
        if not isinstance(value, str):
            raise UnfitError(field=self.at(name), reason="is not text")
        if value.isascii() and value.isprintable():  # most are, and come through `clean` with single spaces
            return " ".join(value.split())
        return clean(value, field=self.at(name))


def _element(value: object, *, path: str) -> Element:
    if isinstance(value, dict):
        return Element(value, path)
    raise UnfitError(field=path, reason="is not an object")

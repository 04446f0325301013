"""Read JSON of unknown shape, checking the type of each member."""

from collections.abc import Mapping
from dataclasses import dataclass

from patients.intake.records import UnfitError, clean


@dataclass(slots=True)
class Element:
    """A JSON object and its path in the file.

    A missing member and a null both read as empty. Every method raises UnfitError if the member is of the wrong type.
    """

    members: Mapping[str, object]
    path: str = ""

    def path_of(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str) -> str:
        value = self.members.get(name)
        return "" if value is None else self._clean(value, name)

    def texts(self, name: str) -> list[str]:
        """Return the strings in a list, leaving out empty ones and nulls.

        Where a list item has only an extension, FHIR puts a null into the list.
        """
        cleaned = [self._clean(value, name) for value in self._list(name) if value is not None]
        return [text for text in cleaned if text]

    def flag(self, name: str) -> bool | None:
        value = self.members.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise UnfitError(field=self.path_of(name), reason="is not true or false")

    def number(self, name: str) -> int | None:
        value = self.members.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise UnfitError(field=self.path_of(name), reason="is not a whole number")

    def child(self, name: str) -> "Element":
        value = self.members.get(name)
        return _element({} if value is None else value, path=self.path_of(name))

    def children(self, name: str) -> list["Element"]:
        if not (values := self._list(name)):
            return []
        path = self.path_of(name)
        return [_element(value, path=f"{path}[{index}]") for index, value in enumerate(values) if value is not None]

    def _list(self, name: str) -> list[object]:
        value = self.members.get(name)
        if value is None or isinstance(value, list):
            return value or []
        raise UnfitError(field=self.path_of(name), reason="is not a list")

    def _clean(self, value: object, name: str) -> str:
        if not isinstance(value, str):
            raise UnfitError(field=self.path_of(name), reason="is not text")
        # Most values are plain ASCII. For them, this gives the same result as `clean`, and is faster.
        if value.isascii() and value.isprintable():
            return " ".join(value.split())
        return clean(value, field=self.path_of(name))


def _element(value: object, *, path: str) -> Element:
    if isinstance(value, dict):
        return Element(value, path)
    raise UnfitError(field=path, reason="is not an object")

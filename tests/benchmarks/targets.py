"""Measured figures and their targets, which are met or missed."""

from dataclasses import asdict, dataclass
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A ratio to something measured in the same run. `at_most`, `at_least` or `at_most_ms` is its target, if it has one."""

    group: str
    name: str
    database: str
    patients: int | None = None
    ratio: float
    milliseconds: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    at_most_ms: float | None = None

    @property
    def verdict(self) -> str:
        if self.at_most is not None:
            return "met" if self.ratio <= self.at_most else "missed"
        if self.at_least is not None:
            return "met" if self.ratio >= self.at_least else "missed"
        if self.at_most_ms is not None and self.milliseconds is not None:
            return "met" if self.milliseconds <= self.at_most_ms else "missed"
        return ""

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        if self.at_most_ms is not None:
            return f"<= {self.at_most_ms:g} ms"
        return f">= {self.at_least:g}" if self.at_least is not None else ""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}

    def as_line(self) -> str:
        size = f"{self.patients:,}" if self.patients else ""
        took = f"{self.milliseconds:.2f} ms" if self.milliseconds is not None else ""
        return (
            f"{self.group:<10} {self.name:<44} {self.database:<11}{size:>10}{took:>13}"
            f"{self.ratio:>8.2f}  {self.target:<8} {self.verdict}"
        )


EMPTY: Final = "an empty signed-in page"
HEADING: Final = f"{'':<10} {'':<44} {'':<11}{'patients':>10}{'median':>13}{'ratio':>8}  target"

"""A figure: one measured value with its unit and, where one is promised, the bound that it has to keep."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value; ``detail`` is what else was seen while measuring it. Without a bound it is only told."""

    what: str
    value: float
    unit: str
    bound: float | None = None
    detail: str = ""

    @property
    def kept(self) -> bool:
        """Whether the value is within its bound."""
        return self.bound is None or self.value <= self.bound

    def __str__(self) -> str:
        said = "" if self.bound is None else f"  (at most {self.bound:g}: {'kept' if self.kept else 'NOT KEPT'})"
        line = f"{self.what:<60} {self.value:7.2f} {self.unit}{said}"
        return f"{line}\n{self.detail}" if self.detail else line


class NotMeasured(Exception):
    """What was to be measured did not work; one line says what."""

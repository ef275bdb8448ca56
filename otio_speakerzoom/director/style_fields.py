"""What a style value means: its sentence, its unit and its range, or its choices.

The command line, the check of style files and the table in docs/style.md all read this.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_VALUE_LENGTH = 40
"""Characters of a wrong value in a message, which is one line."""


def in_words(value: object) -> str:
    """Return a value from a file as a message names it: on one line, and shortened."""
    try:
        text = repr(value)
    except ValueError:  # TOML has hexadecimal numbers of any length, which Python does not print
        return "a number of thousands of digits"
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[: MAX_VALUE_LENGTH - 3]}..."


@dataclass(frozen=True, slots=True)
class NumberField:
    """A number of a style."""

    description: str
    """What it does, in a sentence or two, and what a larger or smaller value does."""
    unit: str
    """`s`, `share` (of 1; in percent on the command line), or what is counted."""
    minimum: float
    maximum: float
    excludes_minimum: bool = False
    """Whether the minimum itself is too low."""

    @property
    def range_text(self) -> str:
        """The range in words: `0 to 60 s`, `more than 0, up to 600 s`."""
        unit = "" if self.unit == "share" else f" {self.unit}"
        low = (
            f"more than {self.minimum:g}, up to"
            if self.excludes_minimum
            else f"{self.minimum:g} to"
        )
        return f"{low} {self.maximum:g}{unit}"

    def fault(self, value: object) -> str:
        """Return what is wrong with a value, to follow its name; empty if nothing is."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"is a number, {self.range_text}; not {in_words(value)}"
        too_low = value == self.minimum and self.excludes_minimum
        if self.minimum <= value <= self.maximum and not too_low:
            return ""
        return f"must be {self.range_text}; not {in_words(value)}"


@dataclass(frozen=True, slots=True)
class ChoiceField:
    """A style value that is one of several words."""

    description: str
    """What it chooses."""
    choices: tuple[str, ...]

    @property
    def range_text(self) -> str:
        """The choices, with commas."""
        return ", ".join(self.choices)

    def fault(self, value: object) -> str:
        """Return what is wrong with a value, to follow its name; empty if nothing is."""
        if value in self.choices:
            return ""
        return f"is one of {self.range_text}; not {in_words(value)}"


StyleField = NumberField | ChoiceField

METADATA_KEY = "style field"
"""Key of a `StyleField` in the metadata of a dataclass field."""


def number(
    default: float,
    unit: str,
    minimum: float,
    maximum: float,
    description: str,
    *,
    excludes_minimum: bool = False,
) -> float:
    """Return the dataclass field of a number."""
    text = " ".join(description.split())
    about = NumberField(text, unit, minimum, maximum, excludes_minimum)
    return field(default=default, metadata={METADATA_KEY: about})


def choice(choices: tuple[str, ...], description: str) -> str:
    """Return the dataclass field of a choice, the first of which is the default."""
    about = ChoiceField(" ".join(description.split()), choices)
    return field(default=choices[0], metadata={METADATA_KEY: about})

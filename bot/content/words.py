"""What every record of the content is, and the one they all hold: a text in each language."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Record(BaseModel):
    """A frozen record which refuses keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Words(Record):
    """One text in each language."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def of(self, language: str) -> str:
        """The text in "zh" or "en"."""
        return self.en if language == "en" else self.zh

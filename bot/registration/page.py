"""The HTML of mails and tickets: files beside this one, filled by Jinja."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"


@cache
def page(name: str) -> Template:
    """One of them, ready to be filled: everything put into it is escaped, and nothing may be missing."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # here, for no answer in a chat needs it: 2 MiB

    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined).get_template(
        name
    )

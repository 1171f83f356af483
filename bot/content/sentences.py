"""Every sentence the bot itself says, by key, with the placeholders each may use besides those of facts.py."""

from __future__ import annotations

SENTENCES: dict[str, frozenset[str]] = {}

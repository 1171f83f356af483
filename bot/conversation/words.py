"""The word that a tappable command says, in each language. The words themselves are promised to the outside."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "register": ("报名", "register"),
    "go_on": ("报名", "register"),
    "me": ("我的报名", "me"),
    "edit": ("修改", "edit"),
    "cancel": ("取消报名", "cancel"),
    "drop_draft": ("取消报名", "cancel"),
    "colleague": ("替同事报名", "colleague"),
    "agenda": ("议程", "agenda"),
    "venue": ("地点", "venue"),
    "help": ("帮助", "help"),
    "chinese": ("中文", "中文"),
    "english": ("EN", "EN"),
    "organizer": ("人工", "organizer"),
    "privacy": ("隐私", "privacy"),
    "resume": ("订阅", "resume"),
    "more": ("继续", "more"),
}

LETTER = ("取消", "cancel", "帮助", "help")
"""What is about the letter to many while an organizer writes one; elsewhere these words mean what they always mean."""

"""A reply as WeChat shows it: one text with links to tap, cleaned of what would break it, at most 2000 bytes.

Links that say something when tapped (`weixin://bizmsgmenu`) are undocumented, though widely used: the number is always
printed too. `<` opens a tag to WeChat, whatever follows, and entities are shown as they stand
(github.com/Tencent/openclaw-weixin/pull/258): the full-width signs look the same and do nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from urllib.parse import quote

from bot.errors import Refused
from bot.message import Choice, Reply

LIMIT = 2000  # UTF-8 bytes; the platform cuts somewhere about 2048 and does not say where
UNTAGGED = "say"  # msgmenuid of a choice without a tag: an empty one is not accepted

_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
_UNSAFE = re.compile(rf"[<>\r{_CONTROL}]|&(?=#?[0-9A-Za-z]+;)")
_SAFE = {"<": "＜", ">": "＞", "&": "＆", "\r": ""}

# Where a text is best cut, best first: after a line, after a sentence, after a clause or word.
_ENDS = tuple(re.compile(end) for end in (r"\n", r"[。！？；…][”’」』）]*|[.!?;](?=\s)", r"[，、\s]|,(?=\s)"))
_JOINER = "\u200d"
_SKIN_TONES = "".join(map(chr, range(0x1F3FB, 0x1F400)))
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))  # two of them make one flag
_FLAG_TAGS = "".join(map(chr, range(0xE0020, 0xE0080)))  # spell the region of a flag such as Scotland's
_EXTENDERS = frozenset(_JOINER + _SKIN_TONES + _FLAG_TAGS)


def clean(text: str) -> str:
    """The words without anything that WeChat or its XML could take for markup. Cleaning twice changes nothing."""
    text = text.replace("\r\n", "\n")
    return _UNSAFE.sub(lambda found: _SAFE.get(found[0], ""), text).strip()


def content(reply: Reply) -> str:
    """The text of a reply: its words, a line, the question, the choices below."""
    head = "\n——\n".join(filter(None, (clean(reply.text), clean(reply.ask))))
    links = "\n".join(_link(number, choice) for number, choice in enumerate(reply.choices, start=1))
    return ("\n" if reply.ask else "\n\n").join(filter(None, (head, links)))


def whole(reply: Reply) -> str:
    """The text of a message that leaves later, in one piece. Raises Refused for one that WeChat would not take."""
    words = content(reply)
    if not words:
        raise Refused("WeChat: there is nothing to say")
    if (size := len(words.encode())) > LIMIT:
        raise Refused(f"WeChat: the text takes {size} bytes, at most {LIMIT} are sent")
    return words


def _link(number: int, choice: Choice) -> str:
    label = " ".join(clean(choice.label).split())
    says, tag = clean(choice.text) or label, choice.tag or UNTAGGED
    target = f"weixin://bizmsgmenu?msgmenucontent={quote(says, safe='')}&msgmenuid={quote(tag, safe='')}"
    return f'<a href="{target}">{number} {label}</a>'


def fit(reply: Reply, more: Choice | None = None) -> tuple[Reply, str]:
    """The reply within LIMIT bytes, and the words that wait ("" if all fit).

    Cuts only `text`, and only between what a person sees as characters. A cut reply gets `more` as its last choice.
    Raises ValueError where question and choices alone are too long.
    """
    if _size(reply) <= LIMIT:
        return reply, ""
    if _size(replace(reply, text="")) > LIMIT:
        raise ValueError(f"question and choices take more than {LIMIT} bytes")
    shown = replace(reply, choices=(*reply.choices, more) if more else reply.choices)
    if _size(replace(shown, text="")) > LIMIT:
        raise ValueError(f"question, choices and the one that goes on take more than {LIMIT} bytes")
    words = clean(reply.text)
    place = _cut(words, LIMIT - _size(replace(shown, text="x")) + 1)
    return replace(shown, text=words[:place].rstrip()), words[place:].lstrip()


def _size(reply: Reply) -> int:
    return len(content(reply).encode())


def _cut(words: str, room: int) -> int:
    """How many characters fit into so many bytes, ending well: at a line, a sentence or a word where one ends late."""
    longest = len(words.encode()[: max(room, 0)].decode(errors="ignore"))
    for end in _ENDS:
        places = [found.end() for found in end.finditer(words, longest // 2, longest + 1) if found.end() <= longest]
        if places:
            return places[-1]
    return _whole(words, longest)


def _whole(words: str, place: int) -> int:
    """The last place up to `place` that does not split an emoji, a flag or a letter with its accents."""
    for earlier in range(place, max(place - 64, 0), -1):
        if not _inside(words, earlier):
            return earlier
    return place  # a pile of accents that nobody reads as one character


def _inside(words: str, place: int) -> bool:
    if place >= len(words):
        return False
    before, after = words[place - 1], words[place]
    if before == _JOINER or after in _EXTENDERS or unicodedata.category(after) in ("Mn", "Me"):
        return True
    flags = len(words[:place]) - len(words[:place].rstrip(_FLAG_LETTERS))
    return after in _FLAG_LETTERS and flags % 2 == 1

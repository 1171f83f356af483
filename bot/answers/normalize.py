"""Text as people type it, made comparable: width, case, marks around it, numbers in words."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from opencc import OpenCC

# Around a command these say nothing more: 我想报名, 请帮我取消报名一下, register please.
_COURTESY = re.compile(
    r"^(?:请问|请|麻烦|帮我|帮忙|我想要|我想|我要|想要|想|要|转|我"
    r"|please |i want to |i would like to |i'd like to |can i |may i |to )+"
    r"|(?:一下|吧|啊|呀|谢谢|了| please| thanks)+$"
)
# Said around a question, these say nothing about what is asked.
_POLITE_ZH = re.compile(
    r"(?:我?想?请?(?:问|咨询|打听)(?:一下|下)|(?:我想|想|麻烦)问|请问|麻烦(?:您|你|问)?|拜托"
    r"|那个就是|就是说|那个|[嗯呃额哦噢诶哎]+|哈喽|哈啰|嗨|[你您]好+|大家好|亲+(?=[，,、 ])|老师好"
    r"|早上好|下午好|晚上好|在吗|在不在|(?:谢谢|多谢|感谢)(?:大家|[您你])?[啦了哈喽咯]?|辛苦[您你]?[啦了]|唔该晒?|唔好意思|不好意思|打扰(?:一下|了)?)"
)
_POLITE_EN = re.compile(
    r"\b(?:hi there|hi|hello|hey|dear (?:team|organi[sz]ers?|all|sirs?|madam|sir or madam)"
    r"|good (?:morning|afternoon|evening)"
    r"|u[mh]+|erm?|hmm+|please|pls|plz|thanks(?: a lot| in advance)?|thank you(?: very much| so much)?|thx"
    r"|tks|cheers|kindly|just wondering|quick question|excuse me|sorry to bother you)\b"
)
_SIGNS = frozenset(("So", "Sk", "Cs", "Cf", "Cc", "Mn", "Co"))  # emoji, their parts, and what cannot be seen
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_SPACES = re.compile(r"\s+")
_CJK = re.compile(r"[\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"(?<![a-z0-9'’-])[a-z][a-z'’-]*(?![a-z0-9])")  # the letters in FFS-7K2M9Q are no words
_NUMBER = re.compile(
    r"(?:第|选|選|no\.?|number|option)?\s*([1-9]\d?|[一二三四五六七八九十]|one|two|three|four|five|six|seven|eight|nine|ten)"
    r"\s*(?:个|個|项|項|号|號)?"
)
_ENGLISH = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SPELT = {word: n for words in ("一二三四五六七八九十", _ENGLISH) for n, word in enumerate(words, 1)}
_QUESTION_END = re.compile(r"[?？]\s*$|(?:吗|嗎|呢|么|麼|嘛|咩|不|没有|沒有)[\s。.!！~～]*$")
_QUESTION_ZH = re.compile(
    r"什么|什麼|怎么|怎麼|怎样|如何|在哪|哪里|哪裡|哪儿|哪天|几点|幾點|几号|几时|多少|多久|多远|为什么|是不是|能不能|可不可以|可以.*吗|有没有|有沒有|要不要|谁"
)  # fmt: skip
_QUESTION_EN = re.compile(  # May Cheong and Will Smith ask nothing
    r"^(?:(?:what|when|where|who|whom|which|why|how)\b|(?:is|are|do|does|did|can|could|will|would|should|may|am)"
    r" (?:i|we|you|he|she|they|it|there|this|that|the|my|our|your|an?|any|some|anyone|someone|everyone)\b)"
)
_NAME_END = re.compile(
    r"(?:公司|工厂|工廠|厂|廠|集团|集團|协会|協會|有限|中心|学校|大学|基金会|商会|co|ltd|inc|llc|gmbh|limited|corp|company|factory)\.?$"
)  # fmt: skip


def plain(text: str) -> str:
    """One line, narrow, lower case, simplified, without marks at its edges: `  【報名】！` and `报名` are the same."""
    narrow = _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
    return _EDGES.sub("", simplified(narrow))


def simplified(text: str) -> str:
    """Traditional characters as simplified ones: 會議 is 会议. Half a surrogate pair, which JSON may hold, is a "?"."""
    return str(_converter().convert(text.encode("utf-8", "replace").decode()))


def question(text: str) -> str:
    """A question as the matcher reads it: `plain`, without emoji, greetings, fillers and thanks if more is left."""
    said = plain("".join(" " if unicodedata.category(sign) in _SIGNS else sign for sign in text))
    rest = _EDGES.sub("", _SPACES.sub(" ", _POLITE_EN.sub(" ", _POLITE_ZH.sub(" ", said))))
    return rest or said


def courtesy(text: str) -> bool:
    """Whether a text only greets or thanks: thank you so much, 谢谢啦."""
    said = plain(text)
    return bool(said) and not _EDGES.sub("", _POLITE_EN.sub(" ", _POLITE_ZH.sub(" ", said)).strip())


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")


def bare(text: str) -> str:
    """A wish without its courtesy, after `plain`: 我想报名 is 报名."""
    said = plain(text)
    while (shorter := _EDGES.sub("", _COURTESY.sub("", said))) != said:
        said = shorter
    return said


def number(text: str) -> int | None:
    """The number of a choice in what was typed: 4, ４, ④, 4., 选4, 第四个, four; None where it is no number alone."""
    found = _NUMBER.fullmatch(plain(text))
    if not found:
        return None
    digits = found[1]
    return int(digits) if digits.isdigit() else _SPELT[digits]


def language_of(text: str) -> str | None:
    """ "en" for two or more English words, "zh" where Chinese characters stand, None where it cannot be told."""
    narrow = unicodedata.normalize("NFKC", text).casefold()
    if _CJK.search(narrow):
        return "zh"
    prose = " ".join(part for part in narrow.split() if "@" not in part and "/" not in part)
    words = [word for word in _LATIN_WORD.findall(prose) if word != "ok"]
    return "en" if len(words) >= 2 else None


def reads_as_question(text: str) -> bool:
    """Whether a line typed where a name is expected asks something instead. A company's name may hold such words."""
    narrow = unicodedata.normalize("NFKC", text).casefold().strip()
    if narrow.endswith("?"):
        return True
    if _NAME_END.search(narrow):
        return False
    if _QUESTION_END.search(narrow) or _QUESTION_ZH.search(narrow):
        return len(narrow) >= 2  # 哪天, 在哪
    return bool(_QUESTION_EN.match(narrow)) and len(narrow.split()) >= 3

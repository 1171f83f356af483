"""What people might type, or somebody who means ill: each a text that a right signature brings."""

from __future__ import annotations

_CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]

LITERAL = (
    "{event.city}厂",
    "{venue.text} {name} {reference} {}",
    "{{event.city}}",
    "{event.city",
    "%s %(name)s $HOME ${jndi:ldap://x.example/a}",
    "'; DROP TABLE registration; --",
    '" OR "1"="1',
    "\\u0000 \\x00 \\",
    "=HYPERLINK(A1)",
    "=1+1",
    "+1+cmd|' /C calc'!A0",
    "@SUM(1,1)",
    "-2+3",
    "a]]>b",
    "]]]]><![CDATA[>x",
    "<a href=//x.example>x</a>",
    "</a><a href='#'>",
    "<xml><Content>x</Content></xml>",
    "<script>alert(1)</script>",
    "&lt;b&gt; &amp;amp; &#65; &nbsp;x",
    "../../etc/passwd",
    "None",
    "NaN",
    "👨‍👩‍👧‍👦 👍🏽 🇨🇳 🏴󠁧󠁢󠁳󠁣󠁴󠁿 a",
    "𠮷野家𩸽",
    "علی\u200cرضا",  # a Persian name, which needs its joiner
    "Ünïcödé Ǆ ﬁ",
)
"""Taken as they stand where a text is asked for: stored, shown and exported so."""

STRANGE = (
    *("\x00", "a\x00b", "".join(_CONTROLS), "a" + "".join(_CONTROLS) + "b", "\r\n\r\n", "\t=1+1", " \u3000\xa0"),
    *(
        "\u202eevil\u202c",
        "\u200f\u200e\u2066x\u2069",
        "\u200b\u200c\u200d\u2060\ufeff",
        "a\u2028b\u2029c",
        "\ufffd\ufffc",
    ),
    *("\ufffe\uffff", "\ue000\U000f0000\U0010ffff", "Z" + "\u0301" * 500, "\u0301" * 50, "ﷺ" * 200, "\U0001f1e8" * 21),
    *(
        "字" * 15_000,
        "x" * 15_000,
        "a b " * 4000,
        "<" * 7000,
        "&lt;" * 3000,
        "{" * 5000,
        "第" * 5000,
        "(" * 3000,
        "9" * 15_000,
    ),
    *("①", "½", "Ⅳ", "٤", "1٤", "⁵", "𝟒", "4️⃣", "0", "00", "-1", "1e9", "99999999999999999999", "一百", "第", "第个"),
    *(
        "a@" * 3000,
        "a" * 64 + "@" + "b" * 300 + ".com",
        '"a b"@example.com',
        "用户@例子.公司",
        "a@[127.0.0.1]",
        "a@@b.com",
        "@",
    ),
    *(
        "a@b.com\nBcc: x@y.com",
        "a@xn--0.com",
        "a@\u202eexample.com",
        "+",
        "+86",
        "+" * 50,
        "1380013800a",
        "١٣٨٠٠١٣٨٠٠٠",
    ),
    *("+86 138 0013 8000 ext. 99999999", "tel:13800138000;phone-context=x", "138\u200b0013\u200b8000", "00000000000"),
    *(
        "/start",
        "/start \x00",
        "/register@somebody_else",
        "//",
        "/",
        "?",
        "？" * 3000,
        "吗" * 3000,
        "!" * 3000,
        "😀" * 4000,
    ),
    *(
        "议题1" * 2000,
        "item " * 2000,
        "第一百零八个议题",
        "item 99999999999999999999",
        "1 2 3 4",
        "1,2",
        "FFS-000000",
        "hmac:",
    ),
)

ENORMOUS = (
    "㌀" * 4000,
    "x" * 100_000,
    "字" * 33_000,
    "what " * 20_000,
    "\x00" * 100_000,
    "a\ud800b\udfff",
    "\udc00\ud800" * 1000,
    "\ud83d",
)
"""More than a text on WeChat can be, or can be written in: on Telegram alone."""

EACH_CONTROL = tuple(f"a{control}b" for control in _CONTROLS)

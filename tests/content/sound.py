"""A small content folder with nothing wrong in it."""

from __future__ import annotations

from bot.content.sentences import SENTENCES

EVENT = """\
name = { zh = "会", en = "A meeting" }
date = 2019-10-22
starts = "9:30"
ends = "16:00"
timezone = "Asia/Shanghai"
city = { zh = "深圳", en = "Shenzhen" }
cost = { zh = "免费", en = "free" }
language = { zh = "中文", en = "Chinese" }
reference_prefix = "FFS"
capacity = 80
auto_confirm = false
controller = { zh = "主办方", en = "the host" }
retention_days = 90
[registration]
opens = 2019-09-20T09:00:00
closes = ""
[contact]
name = { zh = "会务", en = "the office" }
email = "office@example.org"
[links]
booklet = "https://example.org/booklet.pdf"
[privacy]
version = "1"
notice = { zh = "由{event.controller}负责", en = "By {event.controller}" }
"""
FORM = """\
[[question]]
id = "consent"
kind = "consent"
prompt = { zh = "同意吗？会后{event.retention_days}天删除", en = "Do you agree?" }
label = { zh = "同意", en = "Consent" }
[[question.choices]]
id = "agree"
label = { zh = "同意", en = "Agree" }
[[question.choices]]
id = "disagree"
label = { zh = "不同意", en = "Disagree" }

[[question]]
id = "category"
kind = "choice"
prompt = { zh = "您代表：", en = "You represent:" }
label = { zh = "类别", en = "Category" }
help = { zh = "请回复编号", en = "Please reply with a number" }
[[question.choices]]
id = "brand"
label = { zh = "品牌商", en = "Brand" }
words = ["brands"]
[[question.choices]]
id = "factory"
label = { zh = "工厂代表", en = "Factory" }

[[question]]
id = "organization"
kind = "text"
prompt = { zh = "单位？", en = "Organization?" }
label = { zh = "单位", en = "Organization" }
when = { category = ["factory"] }
optional = true
max_length = 80
"""
AGENDA = """\
[[item]]
title = { zh = "工厂视角", en = "Factory perspectives" }
starts = "10:00"
ends = "10:45"
"""
REMINDERS = """\
[[reminder]]
id = "one-week"
when = "-7d 10:00"
latest = "-1d 10:00"
audience = "status=confirmed"
text = { zh = "{name}您好，{event.date}见", en = "Hello {name}, see you on {event.date}" }
short = { zh = "会议临近", en = "Plan your trip now" }

[[reminder]]
id = "finish-form"
when = "draft 24h"
latest = "+0h"
audience = "draft=stale"
text = { zh = "请接着填", en = "Please go on" }
"""
ENTRY = """\
+++
title.zh = "会议城市"
title.en = "The city"
ask.zh = ["在哪个城市", "哪个市"]
ask.en = ["Which city?", "what town"]
+++

## zh

在{event.city}。

## en

In {event.city}.
"""
EXAMPLES = """\
+++
ask.zh = ["讲个笑话"]
ask.en = ["Tell me a joke"]
+++
"""
# As load() does, one line a key: complete however many sentences the bot learns to say.
TEXTS = "".join(f'{key}.zh = "有"\n{key}.en = "A sentence"\n' for key in sorted(SENTENCES))
FILES = {
    "event.toml": EVENT,
    "form.toml": FORM,
    "agenda.toml": AGENDA,
    "reminders.toml": REMINDERS,
    "texts.toml": TEXTS,
    "faq/city.md": ENTRY,
    "faq/_out_of_scope.md": EXAMPLES,
}
A_KEY = "unknown.venue"  # facts.py cannot do without it

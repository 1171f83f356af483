"""A fault in a content file is told with its place and what was expected, and never gets through."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content.load import load
from bot.errors import BrokenContent
from tests.content.sound import A_KEY, ENTRY, EVENT, EXAMPLES, FILES, FORM, TEXTS

# File: rows of (what stands there, what is written instead, how the one line goes on after the file that tells of it).
FAULTS: dict[str, list[tuple[str | None, str, str | list[str]]]] = {
    "event.toml": [
        ('starts = "9:30"', "starts = 9:30", "3: "),
        ("capacity = 80", "capacity 80", "10: expected '=' after a key in a key/value pair;"),
        ("capacity = 80", "capacity = 80\ncapacity = 90", "11: cannot overwrite a value; expected"),
        ("capacity = 80", "capacity = " + "9" * 5000, "25: a number or a nesting is too long; expected TOML"),
        ("timezone = ", "time_zone = ", ["timezone: is missing; expected a value",
         "time_zone: no such key; expected only known ones"]),
        ('{ zh = "深圳", en = "Shenzhen" }', '{ zh = "深圳" }', "city.en: is missing; expected a value"),
        ('{ zh = "深圳", en = "Shenzhen" }', '"深圳"', "city: expected keys of its own below it"),
        ('en = "free"', 'en = ""', "cost.en: is empty; expected text"),
        ('en = "free"', "en = 0", "cost.en: expected text in quotation marks"),
        ("date = 2019-10-22", 'date = "22.10.2019"', "date: expected a date such as 2019-10-22"),
        ("date = 2019-10-22", "date = 20191022", "date: expected a date such as 2019-10-22"),
        ("date = 2019-10-22", "date = 2019-10-22T09:30:00", "date: expected a date such as"),
        ('starts = "9:30"', 'starts = "9.30"', 'starts: expected a time such as "9:30"'),
        ('starts = "9:30"', 'starts = "25:00"', 'starts: expected a time such as "9:30"'),
        ('starts = "9:30"', "starts = 930", 'starts: expected a time such as "9:30"'),
        ('ends = "16:00"', 'ends = "9:30"', "ends: expected a time after starts"),
        ("Asia/Shanghai", "Shenzhen", "timezone: expected a time zone such as Asia/Shanghai"),
        ("Asia/Shanghai", "Asia", "timezone: expected a time zone such as Asia/Shanghai"),
        ('"FFS"', '"ffs"', "reference_prefix: expected 2 to 6 capital letters"),
        ("capacity = 80", "capacity = -1", "capacity: expected to be greater than or equal to 0"),
        ("capacity = 80", 'capacity = "many"', "capacity: expected a whole number"),
        ("capacity = 80", "capacity = 1.5", "capacity: expected a whole number"),
        ("= false", '= "perhaps"', "auto_confirm: expected true or false"),
        ("= 90", "= 0", "retention_days: expected to be greater than or equal to 1"),
        ("= 90", "= 9000", "retention_days: expected to be less than or equal to 3650"),
        ('closes = ""', "closes = 2019-10-20", "registration.closes: expected a date and time such"),
        ('closes = ""', 'closes = "soon enough"', "registration.closes: expected a date and time"),
        ('closes = ""', "closes = 5", "registration.closes: expected a date and time such as"),
        ('closes = ""', "closes = 2019-09-01T00:00:00",
         "registration.opens: expected a time before registration closes"),
        ("opens = 2019-09-20", "opens = 2019-11-20", "registration.opens: expected a time before"),
        ("office@example.org", "office", "contact.email: expected an e-mail address, or empty"),
        ("https://", "www.", "links.booklet: expected an address that starts with https://"),
        ("[contact]", "contact = 1\n[office]",
         ["registration.contact: no such key", "contact: is missing", "office: no such key"]),
        ('version = "1"', 'version = ""', "privacy.version: is empty; expected text"),
        ('version = "1"', f'version = "{"1" * 41}"', "privacy.version: expected to have at most 40"),
        ("{event.controller}负责", "{event.host}负责",
         "privacy.notice.zh: {event.host} is not known; expected one of event.booklet, "),
        ("{event.controller}负责", "{event.controller负责", "privacy.notice.zh: { belongs to no placeh"),
    ],
    "form.toml": [
        ("optional = true", "optional = " + "[" * 9000, "35: a number or a nesting is too long; expected TOML"),
        (FORM, "", "question: is missing; expected a value"),
        (FORM, "question = []", "question: is empty; expected at least one"),
        (FORM, '[question]\nid = "name"', "question: expected a list, [..] or [[..]]"),
        (FORM, 'question = ["name"]', "question[1]: expected keys of its own below it"),
        ('id = "category"', 'id = "Category 1"', "question[2].id: expected small letters, digits"),
        ('id = "organization"', 'id = "status"', "question[3].id: expected another name: 'status' is a column"),
        ('id = "organization"', 'id = "created_at"', "question[3].id: expected another name: 'created_at' is a column"),
        ('kind = "text"', 'kind = "date"', "question[3].kind: expected to be 'choice', 'text', 'phone'"),
        ('kind = "text"', 'kind = "choice"', "question[3].choices: expected for the kinds choice and"),
        ('kind = "choice"', 'kind = "text"', "question[2].choices: expected for the kinds choice and"),
        ('id = "factory"', 'id = "brand"', "question[2].choices: expected each id once"),
        ('"Factory"', '"BRANDS"', "question[2].choices: expected 'brands' to mean one choice only"),
        ('"brands"', '""', "question[2].choices[1].words[1]: is empty; expected text"),
        ('["brands"]', '"brands"', "question[2].choices[1].words: expected a list, [..] or [[..]]"),
        ('id = "agree"', 'id = "yes"', "question[1].choices: expected agree and disagree, in this order"),
        ('id = "organization"', 'id = "category"', "category: expected each id once"),
        ('["factory"]', '["plant"]',
         "organization.when.category: expected a choice of an earlier question, not 'plant'"),
        ("{ category =", "{ title =", "organization.when.title: expected a choice of an earlier question"),
        ('["factory"]', '"factory"', "question[3].when.category: expected a list, [..] or [[..]]"),
        ('{ category = ["factory"] }', '"factory"', "question[3].when: expected keys of its own below"),
        ("optional = true", "optional = 2", "question[3].optional: expected true or false"),
        ("max_length = 80", "max_length = 0", "question[3].max_length: expected to be greater than or"),
        (FORM[: FORM.index("\n[[question]]\nid = \"cat")], "",
         "question: expected exactly one consent question, and that first"),
        ("{event.retention_days}", "{event.days}", "question[1].prompt.zh: {event.days} is not known;"),
        ("with a number", "with a {number}", "question[2].help.en: {number} is not known; expected"),
    ],
    "agenda.toml": [
        ('ends = "10:45"\n', 'ends = "10:45', "4: "),
        ('en = "Factory perspectives"', 'english = "x"', ["item[1].title.en: is missing",
         "item[1].title.english: no such key"]),
        ("title =", "titel =", ["item[1].title: is missing", "item[1].titel: no such"]),
        ('starts = "10:00"', 'starts = "ten"', 'item[1].starts: expected a time such as "9:30"'),
        ('starts = "10:00"', 'starts = "11:00"', "item[1].ends: expected a time after starts"),
        ("[[item]]", "[item]", "item: expected a list, [..] or [[..]]"),
    ],
    "faq/city.md": [
        ('"在哪个城市", "哪个市"', '"在哪个城市" "哪个市"', "4: unclosed array; expected TOML"),
        (ENTRY, "", "1: expected front matter between two lines of +++"),
        (ENTRY, "+++\nask.zh = []\n", "1: expected front matter between two lines of +++"),
        (ENTRY, "\n" + ENTRY, "1: expected front matter between two lines of +++"),
        ("ask.zh =", "ask.cn =", ["ask.zh: is missing", "ask.cn: no such key"]),
        ("ask.zh =", "asks.zh =", ["ask.zh: is missing", "asks: no such key"]),
        ('["Which city?", "what town"]', "[]", "ask.en: is empty; expected at least one"),
        ('"what town"', '""', "ask.en[2]: is empty; expected text"),
        ('"what town"', "7", "ask.en[2]: expected text in quotation marks"),
        ('["Which city?", "what town"]', '"Which city?"', "ask.en: expected a list, [..] or"),
        (ENTRY[4 : ENTRY.index("+++\n\n")], 'ask = ["a city"]\n', "ask: expected keys of its own"),
        ('title.en = "The city"\n', "", "title.en: is missing; expected a value"),
        ('"The city"', '"{event.city}"', "title.en: {event.city} is not known; expected no placeh"),
        ("ask.zh =", 'id = "town"\nask.zh =', "id: no such key; expected only known ones"),
        ("ask.zh =", 'answer = "x"\nask.zh =', "answer: no such key; expected only known ones"),
        ("## en\n\nIn {event.city}.\n", "", "## en: is missing or empty; expected the answer"),
        ("In {event.city}.\n", "  \n", "## en: is missing or empty; expected the answer"),
        ("## en", "##en", "## en: is missing or empty; expected the answer"),
        ("## en", "## EN", "12: expected one section ## zh and one section ## en"),
        ("## en", "## zh", "12: expected one section ## zh and one section ## en"),
        ("+++\n\n## zh", "+++\n\nHello\n\n## zh", "8: text outside a section; expected ## zh or ##"),
        ("In {event.city}.", "In {event.town}.", "## en: {event.town} is not known; expected one of"),
        ("In {event.city}.", "In {Event.City}.", "## en: { belongs to no placeholder; expected one"),
    ],
    "faq/_out_of_scope.md": [
        ('"讲个笑话"', "讲个笑话", "2: invalid value; expected TOML"),
        (EXAMPLES, "a joke", "1: expected front matter between two lines of +++"),
        ("ask.en", "ask.fr", "ask.fr: no such key; expected only known ones"),
        ('["Tell me a joke"]', '"a joke"', "ask.en: expected a list, [..] or"),
        ('"Tell me a joke"', "3", "ask.en[1]: expected text in quotation marks"),
        ("ask.zh", 'title.zh = "x"\nask.zh', "title: no such key; expected only"),
        ("+++\nask.zh = [\"讲个笑话\"]\nask.en = [\"Tell me a joke\"]", "+++",
         "ask: is missing; expected a value"),
        (EXAMPLES, EXAMPLES + "\n\n## zh\n\n不知道\n", "7: expected nothing below"),
    ],
    "reminders.toml": [
        ('id = "finish-form"', 'id = "one-week"', "one-week: expected each id once"),
        ('"-7d 10:00"', '"7 days before"', 'reminder[1].when: expected a time such as "-7d'),
        ('"-7d 10:00"', '"-7d 24:00"', 'reminder[1].when: expected a time such as "-7d'),
        ('"-7d 10:00"', '"-7d 10:60"', 'reminder[1].when: expected a time such as "-7d'),
        ('"-1d 10:00"', '"never"', 'reminder[1].latest: expected a time such as "-1d 22:00"'),
        ('"status=confirmed"', '"everybody"', "reminder[1].audience: expected conditions such"),
        ('"Plan your trip now"', '"Please plan your trip"', "reminder[1].short: expected at mo"),
        ('"Plan your trip now"', '"See {venue.name}"',
         "reminder[1].short.en: {venue.name} is not known; expected no placeholder here"),
        ("{name}您好", "{user}您好", "reminder[1].text.zh: {user} is not known; expected one of"),
        ("请接着填", "{name}请接着填", "reminder[2].text.zh: {name} is not known; expected one"),
    ],
    "texts.toml": [
        (f'{A_KEY}.zh = "有"\n{A_KEY}.en = "A sentence"\n', "", f"{A_KEY}: is missing; expected zh and"),
        (f'{A_KEY}.en = "A sentence"\n', "", f"{A_KEY}.en: is missing; expected a value"),
        (f'{A_KEY}.en = "A sentence"', f'{A_KEY}.en = " "', f"{A_KEY}.en: is empty; expected text"),
        (f'{A_KEY}.en = "A sentence"', f'{A_KEY}.en = "In {{town}}"', f"{A_KEY}.en: {{town}} is not"),
        (f'{A_KEY}.zh = "有"', f'{A_KEY}.zh = "｛event.city｝"', f"{A_KEY}.zh: ｛ belongs to no placeh"),
        (f'{A_KEY}.zh = "有"\n', f'{A_KEY}.zh = "有"\n{A_KEY}.fr = "x"\n', f"{A_KEY}.fr: no such key"),
        (f'{A_KEY}.zh = "有"\n{A_KEY}.en = "A sentence"\n', f'{A_KEY} = "x"\n',
         f"{A_KEY}: expected keys of its own below it, not a single value"),
        (TEXTS, TEXTS + 'small.talk = { zh = "嗯", en = "Well" }\n',
         "small.talk: is not a sentence that the bot says; expected one of the shipped keys"),
        (TEXTS, TEXTS + 'loose = "word"\n', "loose: expected keys of its own below it"),
    ],
    "faq/Big City.md": [
        (None, ENTRY, "id: expected a file named with small letters, digits and _"),
    ],
}  # fmt: skip


def faults(folder: Path) -> list[str]:
    with pytest.raises(BrokenContent) as broken:
        load(folder)
    assert str(broken.value).splitlines() == [str(fault) for fault in broken.value.faults], "one line a fault"
    return [str(fault) for fault in broken.value.faults]


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        pytest.param(name, *row, id=f"{name}-{number}")
        for name, rows in FAULTS.items()
        for number, row in enumerate(rows)
    ],
)
def test_a_fault_is_told_with_its_place(
    folder: Path, name: str, old: str | None, new: str, expected: str | list[str]
) -> None:
    sound = FILES.get(name, "")
    assert old is None or old in sound, "the table does not fit the sound file"
    (folder / name).write_bytes((new if old is None else sound.replace(old, new, 1)).encode())
    beginnings = [expected] if isinstance(expected, str) else expected
    told = faults(folder)
    assert len(told) == len(beginnings), told
    for line, beginning in zip(sorted(told), sorted(beginnings), strict=True):
        assert line.startswith(f"{name}:{beginning}")


@pytest.mark.parametrize("name", ["event.toml", "form.toml", "agenda.toml", "reminders.toml", "texts.toml"])
def test_a_missing_file_is_told(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert faults(folder) == [f"{name}: cannot be read; expected this file"]


def test_a_folder_in_the_place_of_a_file_is_told(folder: Path) -> None:
    (folder / "agenda.toml").unlink()
    (folder / "agenda.toml").mkdir()
    assert faults(folder) == ["agenda.toml: cannot be read; expected this file"]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    assert faults(missing) == [f"{missing}: no such folder; expected the content files in it"]


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_text_that_is_not_utf8_is_told_with_its_line(folder: Path, name: str, encoding: str) -> None:
    sound = FILES[name]
    line = 1 if encoding == "utf-16" else sound[: next(i for i, c in enumerate(sound) if c > "~")].count("\n") + 1
    (folder / name).write_bytes(sound.encode(encoding))
    assert faults(folder) == [f"{name}:{line}: is not UTF-8; expected text saved as UTF-8"]


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("character", ["\0", "\x0b", "\x1b", "\x7f"])
def test_a_control_character_is_told_with_its_line(folder: Path, name: str, character: str) -> None:
    line = FILES[name].count("\n") + 1
    (folder / name).write_bytes((FILES[name] + character).encode())
    assert faults(folder) == [f"{name}:{line}: has the control character {character!r}; expected plain text"]


def test_all_faults_are_told_at_once(folder: Path) -> None:
    (folder / "event.toml").write_bytes(EVENT.replace("Asia/Shanghai", "Mars").replace('"9:30"', '"soon"').encode())
    (folder / "reminders.toml").write_bytes(b"[[reminder]")
    (folder / "faq/city.md").write_bytes(ENTRY.replace('"what town"', '""').replace("## en", "## English").encode())
    (folder / "faq/lunch.md").write_bytes(ENTRY.replace("+++", "---").encode())
    (folder / "agenda.toml").unlink()
    assert [fault.split(": ")[0] for fault in faults(folder)] == [
        "event.toml:starts",
        "event.toml:timezone",
        "agenda.toml",
        "reminders.toml:1",
        "faq/city.md:ask.en[2]",
        "faq/city.md:12",
        "faq/lunch.md:1",
    ]


def test_a_missing_sentence_is_told_though_another_of_nearly_its_name_is_broken(folder: Path) -> None:
    broken = TEXTS.replace(f'{A_KEY}.zh = "有"\n{A_KEY}.en = "A sentence"\n', f'{A_KEY}2.zh = "有"\n')
    (folder / "texts.toml").write_bytes(broken.encode())
    assert sorted(line.split(": ")[0] for line in faults(folder)) == [f"texts.toml:{A_KEY}", f"texts.toml:{A_KEY}2.en"]

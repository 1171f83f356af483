"""Ways to ask are added to a file as its author would have written them, and no other byte of it changes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.questions.front import CannotEdit, extended, quoted
from tests.conftest import ROOT

NEW = {"zh": ["新的"], "en": ["new one", "new two"]}
BODY = '\n## zh\n\n答。\n\n## en\n\nask.zh = ["not this"]\n'
WRITTEN = {
    "a list of lines, comments in it, a comma behind the last": (
        'ask.zh = [\n    "一",  # first\n    # between\n    "二",  # last\n    # end\n]\n'
        "ask.en = [\n\t\"a\",\n\t'b',\n]\n",
        'ask.zh = [\n    "一",  # first\n    # between\n    "二",  # last\n    "新的",\n    # end\n]\n'
        'ask.en = [\n\t"a",\n\t\'b\',\n\t"new one",\n\t"new two",\n]\n',
    ),
    "no comma behind the last, and a comment": (
        'ask.zh = [\n  "一", "二" # [last], "no"\n]\nask.en = ["a"]',
        'ask.zh = [\n  "一", "二", # [last], "no"\n  "新的",\n]\nask.en = ["a", "new one", "new two"]',
    ),
    "the bracket behind the last one": (
        'ask.zh = ["一",\n          "二"]\nask.en = ["a", ]\n',
        'ask.zh = ["一",\n          "二",\n          "新的",]\nask.en = ["a", "new one", "new two" ]\n',
    ),
    "a table of its own, and strings that hold anything": (
        'title.zh = """]\nask.zh = ["no"]\n"""\ntitle.en = \'ask.en = [\'\n'
        '[ask] # here\nzh = ["]", \'#\', "\\"", "一"]\n"en" = [\n"a"\n]\n',
        'title.zh = """]\nask.zh = ["no"]\n"""\ntitle.en = \'ask.en = [\'\n'
        '[ask] # here\nzh = ["]", \'#\', "\\"", "一", "新的"]\n'
        '"en" = [\n"a",\n"new one",\n"new two",\n]\n',
    ),
    "spaces around everything": (
        "  ask . zh  =  [  '一'  ]  # x\nask.en=['a']\n",
        '  ask . zh  =  [  \'一\', "新的"  ]  # x\nask.en=[\'a\', "new one", "new two"]\n',
    ),
    "lists that end in comments alone": (
        'ask.zh = [\n    "一",\n    # nothing yet\n\n]\nask.en = [ # english\n    "a"\n    # end\n]\n',
        'ask.zh = [\n    "一",\n    "新的",\n    # nothing yet\n\n]\n'
        'ask.en = [ # english\n    "a",\n    "new one",\n    "new two",\n    # end\n]\n',
    ),
}


@pytest.mark.parametrize("lines", ["\n", "\r\n"])
@pytest.mark.parametrize(("front", "wanted"), WRITTEN.values(), ids=WRITTEN)
def test_each_way_to_write_a_list_is_kept(front: str, wanted: str, lines: str) -> None:
    before, after = (f"\ufeff+++\n{text.rstrip(chr(10))}\n+++\n{BODY}".replace("\n", lines) for text in (front, wanted))
    assert extended(before, NEW) == after


def test_a_language_that_nothing_is_added_to_stays() -> None:
    text = '+++\nask.zh = ["一"]\nask.en = ["a"]\n+++\n'
    assert extended(text, {"zh": [], "en": ["b"]}) == '+++\nask.zh = ["一"]\nask.en = ["a", "b"]\n+++\n'
    assert extended(text, {}) == text


BROKEN = {
    "no front matter": "ask.zh = []",
    "no list": '+++\ntitle.zh = "x"\n+++\n',
    "a list in a list": '+++\nask = { zh = ["一"], en = ["a"] }\n+++\n',
    "no end of a string": '+++\nask.zh = ["一]\nask.en = ["a"]\n+++\n',
    "no list but a text": '+++\nask.zh = "一"\nask.en = ["a"]\n+++\n',
    "twice": '+++\nask.zh = ["一"]\nask.zh = ["二"]\nask.en = ["a"]\n+++\n',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_edited_safely_is_refused(text: str) -> None:
    with pytest.raises(CannotEdit):
        extended(text, NEW)


HOSTILE = (
    '"""+++',
    "]",
    "'",
    '"]\n+++\n## zh\nhacked',
    "a\\",
    "\\u0041",
    "+++",
    "# no",
    "\x7f\x1b[31m",
    "'''",
    "{event.x}",
)


def test_whatever_is_asked_comes_out_as_the_text_it_was() -> None:
    text = '+++\nask.zh = [\n    "一",\n]\nask.en = ["a"]\n+++\n'
    front = extended(text, {"zh": HOSTILE, "en": HOSTILE}).split("\n+++\n")[0].removeprefix("+++\n")
    asked = tomllib.loads(front)["ask"]
    assert asked == {"zh": ["一", *HOSTILE], "en": ["a", *HOSTILE]}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_is_quoted_in_one_line(text: str) -> None:
    written = quoted(text)
    assert tomllib.loads(f"x = {written}")["x"] == text
    assert not {"\n", "\r", "\x7f", "\0"} & set(written)


@pytest.mark.parametrize("file", sorted((ROOT / "content" / "faq").glob("[a-z]*.md")), ids=lambda file: file.stem)
def test_every_shipped_answer_can_be_asked_in_more_ways(file: Path) -> None:
    before = file.read_bytes().decode()
    after = extended(before, NEW)
    rest = [line for line in after.split("\n") if line.strip() not in {'"新的",', '"new one",', '"new two",'}]
    assert "\n".join(rest) == before

"""Every row of platforms/telegram.md "Webhook", and updates of every odd shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.long import forge
from tests.long.forge import Request, posted, pressed, update
from tests.long.rows import Row, answered, kept


def _with(**changed: Any) -> Callable[[], Request]:
    """An update whose message has other fields."""
    return lambda: posted(update(**changed))


def _as_id(value: Any) -> Request:
    return posted({**update(), "update_id": value})


def _presses(**changed: Any) -> Callable[[], Request]:
    return lambda: posted(pressed(**changed))


def _person(**changed: Any) -> dict[str, Any]:
    return {"id": forge.ANNA, "is_bot": False, "first_name": "Ann", **changed}


def _chat(**changed: Any) -> dict[str, Any]:
    return {"id": forge.ANNA, "first_name": "Ann", "type": "private", **changed}


def _contact(**changed: Any) -> Callable[[], Request]:
    card = {"phone_number": "8613800138000", "first_name": "Ann", "user_id": forge.ANNA, **changed}
    return _with(text=..., contact={name: value for name, value in card.items() if value is not ...})


def _number(digits: int) -> Request:
    return posted(json.dumps(update()).replace('"date":', f'"sum": {"9" * digits}, "date":').encode())


TELEGRAM_REFUSED = [
    Row("no secret", lambda: posted(secret=None), 401),
    Row("empty secret", lambda: posted(secret=""), 401),
    Row("wrong secret", lambda: posted(secret="hook-secre7"), 401),
    Row("secret cut", lambda: posted(secret="hook-secre"), 401),
    Row("secret with a tail", lambda: posted(secret="hook-secret!"), 401),
    Row("secret in capitals", lambda: posted(secret="HOOK-SECRET"), 401),
    Row("non-ASCII secret", lambda: posted(secret="hook-secrét"), 401),
    Row("secret of 60 kB", lambda: posted(secret="s" * 60_000), 401),
    Row("secret twice in one line", lambda: posted(secret="hook-secret, hook-secret"), 401),
    Row("secret in the query", lambda: replace(posted(secret=None), query=(("secret_token", "hook-secret"),)), 401),
    Row("a megabyte without a secret", lambda: posted(b"x" * 2**20, secret=None), 401),
    *(
        Row(f"{method} with the secret", lambda method=method: replace(posted(), method=method), 405)
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH")
    ),
]

TELEGRAM_TAKEN = [
    answered("a right update", posted),
    answered("content type text", lambda: posted(**{"Content-Type": "text/plain"})),
    kept("empty body", lambda: posted(b"")),
    kept("no JSON", lambda: posted(b"hello")),
    kept("half an update", lambda: posted(json.dumps(update()).encode()[:-10])),
    kept("no UTF-8", lambda: posted(b'{"update_id": 1, "x": "\xff\xfe"}')),
    kept("NUL bytes", lambda: posted(b"\x00" * 100)),
    *(
        kept(f"nothing but {body}", lambda body=body: posted(body.encode()))
        for body in ("null", "[]", "{}", "42", '"x"', "NaN", "[{}]", "true")
    ),
    kept("deep JSON", lambda: posted(b"[" * 200_000)),
    kept("deep objects", lambda: posted(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    kept("a body of a megabyte and more", lambda: posted(b'{"update_id": 1, "x": "' + b"y" * 2**20 + b'"}')),
    kept("a body of 17 megabytes", lambda: posted(b"z" * 17 * 2**20)),
    kept("a number of a million digits", lambda: _number(10**6)),
    answered("a number of 4000 digits", lambda: _number(4000)),
    kept("an update of a kind that nobody knows", lambda: posted({"update_id": 3, "telepathy": {"x": 1}})),
    kept("an update with no content", lambda: posted({"update_id": 4})),
    kept("no update_id", lambda: posted({"message": update()["message"]})),
    *(
        kept(f"update_id {str(value)[:20]}", lambda value=value: _as_id(value))
        for value in (-1, 2**53 + 1, 10**30, 1.5, 1e300, "7", "", None, True, [], {})
    ),
    answered("update_id 0", lambda: _as_id(0)),
    answered("NUL in the text", _with(text="a\x00b")),
    answered("nothing but NUL", _with(text="\x00")),
    answered("lone surrogates", _with(text="a\ud800b\udfff")),
    answered("surrogates the wrong way round", _with(text="\udc00\ud800")),
    answered("control characters", _with(text="".join(map(chr, range(32))) + "\x7f\x80\x9f")),
    answered("100 kB of text", _with(text="字" * 33_000)),
    answered("a command with NUL", _with(text="/start a\x00b")),
    answered("a start with a payload of 1000", _with(text="/start " + "p" * 1000)),
    answered("keys twice", lambda: posted(json.dumps(update()).replace('"text":', '"text": "x", "text":').encode())),
    *(kept(f"text as {type(value).__name__}", _with(text=value)) for value in (7, ["a"], {"a": 1}, True)),
    *(kept(f"from as {type(value).__name__}", _with(**{"from": value})) for value in (7, "x", [1])),
    *(kept(f"chat as {type(value).__name__}", _with(chat=value)) for value in (7, "x", [1], {}, {"id": 1})),
    *(
        kept(f"chat id {str(value)[:20]}", _with(chat=_chat(id=value)))
        for value in (1.5, "7", None, 2**63, 10**30, True, [1])
    ),
    *(kept(f"date {str(value)[:20]}", _with(date=value)) for value in (10**12, 10**30, "x", None, -(10**15), [])),
    answered("date 0", _with(date=0)),
    answered("date before 1970", _with(date=-1)),
    answered("language as a number of letters", _with(**{"from": _person(language_code="e\x00n" * 500)})),
    kept("language as a list", _with(**{"from": _person(language_code=["en"])})),
    answered("no language", _with(**{"from": _person()})),
    answered("a name of 100 kB", _with(**{"from": _person(first_name="n" * 100_000, last_name="\x00\ud800")})),
    kept("no name", _with(**{"from": {"id": forge.ANNA, "is_bot": False}})),
    answered("entities far outside", _with(entities=[{"type": "bold", "offset": 10**9, "length": -5}])),
    kept("entities as numbers", _with(entities=[1, 2])),
    Row("no chat type that we know", _with(chat=_chat(type="teapot")), 200),
    Row("from a bot", _with(**{"from": _person(is_bot=True)}), 200),
    Row(
        "an edited place",
        lambda: posted({"update_id": 9, "edited_message": update(location={"latitude": 1, "longitude": 1})["message"]}),
        200,
    ),
    answered("a shared phone", _contact()),
    answered("a phone of letters", _contact(phone_number="call me")),
    answered("an empty phone", _contact(phone_number="")),
    answered("a phone of 100000 digits", _contact(phone_number="9" * 100_000)),
    answered("a phone with NUL", _contact(phone_number="+86\x00138")),
    answered("a phone in Arabic digits", _contact(phone_number="٨٦١٣٨٠٠١٣٨٠٠٠")),
    answered("somebody else's card", _contact(user_id=1)),
    answered("a card of nobody", _contact(user_id=...)),
    answered("a card whose owner is a word", _contact(user_id=str(forge.ANNA))),
    kept("a card without a number", _contact(phone_number=...)),
    answered("a phone as a number", _contact(phone_number=8613800138000)),
    answered("a phone as null", _contact(phone_number=None)),
    answered("a press", _presses()),
    answered("a press without data", _presses(data=...)),
    answered("a press with 100 kB of data", _presses(data="1:" + "x" * 100_000)),
    answered("a press with NUL", _presses(data="1=a\x00b")),
    answered("a press with surrogates", _presses(data="1:\ud800")),
    answered("a press with a forged tag", _presses(data="1:cancel.FFS-000000.yes")),
    answered("a press with too few parts", _presses(data="1:change")),
    answered("a press of dots", _presses(data="1:...")),
    answered("a press on a suggestion that is none", _presses(data="1:faq")),
    answered("a press on an entry that is none", _presses(data="1:faq.no_such_entry")),
    answered("a press of an old version", _presses(data="0:form.consent.agree")),
    answered("a press with data as a number", _presses(data=7)),
    Row("a press on nothing", _presses(message=...), 200),
    answered("a press by nobody", _presses(**{"from": ...})),
    kept("a press without an id", _presses(id=...)),
    kept("a press with an id as a number", _presses(id=7)),
]

"""Whatever comes in, convert refuses it or understands it, and nothing else happens."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.adapters.wechat import convert
from bot.adapters.wechat.convert import Account
from bot.adapters.wechat.text import LIMIT, content, fit
from bot.errors import Forbidden
from bot.message import Choice, Reply

bounded = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NAMES = ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "EventKey", "Content", "MsgId", "MsgID",
         "bizmsgmenuid", "Recognition", "Encrypt", "xml", "List"]  # fmt: skip
VALUES = ["oA", "gh_ffs", "1570496400", "text", "event", "subscribe", "CLICK", "voice", "qrscene_1", "报名", ""]
words = st.one_of(st.sampled_from(VALUES), st.text(max_size=30))
fields = st.dictionaries(st.sampled_from(NAMES), words, max_size=10)
edits = st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=6), st.integers(0, 6)), max_size=4)


def written(found: dict[str, str]) -> bytes:
    inside = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in found.items())
    return f"<xml>{inside}</xml>".encode(errors="surrogatepass")


def mutated(whole: bytes, changes: list[tuple[int, bytes, int]]) -> bytes:
    for place, put, taken in changes:
        place %= len(whole) + 1
        whole = whole[:place] + put + whole[place + taken :]
    return whole


def outcome(platform, account, clock, query: bytes, body: bytes) -> bool:
    """Whether it was let in; whatever was let in can be answered."""
    try:
        push = convert.read(account, clock, query, body)
    except Forbidden:
        return False
    assert (push.message is None) or push.unknown == ""
    if push.message:
        answer = convert.render(account, push, Reply(text=push.message.text, ask="问"), clock.now())
        assert platform.shown(platform.opened(answer) if push.sealed else answer).endswith("问")
    return True


@bounded
@given(query=st.binary(max_size=200), body=st.binary(max_size=300))
def test_rubbish(platform, clock, query, body):
    for mode in ("safe", "compatible", "plain"):
        assert not outcome(platform, Account.of(platform.settings(MODE=mode)), clock, query, body)


@bounded
@given(found=fields, changes=edits)
@example(
    found={"FromUserName": "oA", "ToUserName": "gh_ffs", "CreateTime": "99999999999", "MsgType": "text"}, changes=[]
)
def test_rightly_signed_bodies_with_any_fields(platform, clock, found, changes):
    xml = mutated(written(found), changes)
    inside = outcome(platform, Account.of(platform.settings()), clock, *platform.safe(xml))
    in_the_open = outcome(platform, Account.of(platform.settings(MODE="plain")), clock, *platform.plain(xml))
    assert inside == in_the_open


@bounded
@given(changes=edits.filter(bool), where=st.sampled_from(["query", "body"]))
def test_mutations_of_a_sealed_push_change_nothing_or_are_refused(platform, clock, changes, where):
    account = Account.of(platform.settings())
    query, body = platform.safe(platform.text("报名"))
    sent = (mutated(query, changes), body) if where == "query" else (query, mutated(body, changes))
    try:
        push = convert.read(account, clock, *sent)
    except Forbidden:
        return
    assert push.message == convert.read(account, clock, query, body).message


@bounded
@given(plain=st.binary(max_size=160))
def test_rightly_signed_ciphertext_of_anything(platform, clock, plain):
    padded = plain + bytes(-len(plain) % 32)
    outcome(platform, Account.of(platform.settings()), clock, *platform.envelope(platform.crypt(padded)))


@bounded
@given(
    text=st.text(max_size=3000),
    ask=st.text(max_size=300),
    choices=st.lists(st.builds(Choice, label=st.text(min_size=1, max_size=12), text=st.text(max_size=12)), max_size=4),
)
@example(text="字" * 3000, ask="问", choices=[Choice("好", "好")])
def test_any_reply_fits_whole_or_in_parts(text, ask, choices):
    reply, more = Reply(text=text, ask=ask, choices=tuple(choices)), Choice("继续看", "继续")
    shown, rest = fit(reply, more)
    assert len(content(shown).encode()) <= LIMIT
    assert shown.ask == ask
    assert shown.choices == (*choices, more) if rest else shown.choices == tuple(choices)

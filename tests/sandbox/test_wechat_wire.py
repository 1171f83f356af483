"""The envelope of WeChat: known answers, a second opinion, and every way in which an answer can be wrong."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from wechatpy.crypto import WeChatCrypto

from bot.sandbox.wechat_wire import Keys, decrypt, encrypt, open_reply, seal, sign
from bot.sandbox.wechat_xml import Bare, WrongReply, read_xml, write_xml

SAMPLES = Path(__file__).parent.parent / "samples" / "wechat"
VECTORS = json.loads((SAMPLES / "vectors.json").read_text())
AES = VECTORS["aes"]
KEYS = Keys(AES["appid"], AES["token"], AES["encoding_aes_key"])


def envelope(xml: bytes = b"<xml><a>1</a></xml>", **changed: str) -> bytes:
    locked = changed.get("Encrypt") or encrypt(KEYS, xml)
    fields = {"TimeStamp": "1570496400", "Nonce": "42", "Encrypt": locked}
    fields["MsgSignature"] = sign(KEYS.token, "1570496400", "42", locked)
    return write_xml(fields | changed)


@pytest.mark.parametrize("name", ["get_verify", "post_signature"])
def test_signatures_are_the_known_ones(name: str) -> None:
    known = VECTORS[name]
    assert sign(known["token"], known["timestamp"], known["nonce"]) == known["signature"]


def test_the_cipher_is_the_known_one_both_ways() -> None:
    assert encrypt(KEYS, AES["plain"].encode(), AES["random16"].encode()) == AES["cipher_b64"]
    assert decrypt(KEYS, AES["cipher_b64"]).decode() == AES["plain"]


def test_another_implementation_reads_what_is_sealed_and_is_read() -> None:
    other = WeChatCrypto(KEYS.token, KEYS.aes_key, KEYS.app_id)
    xml = write_xml({"ToUserName": "gh_1", "Content": "报名", "CreateTime": 5})
    sealed = seal(KEYS, "safe", xml, openid="o1", timestamp=1570496400, nonce="n")
    query = sealed.query
    assert (
        other.decrypt_message(sealed.body, query["msg_signature"], query["timestamp"], query["nonce"]) == xml.decode()
    )
    answer = other.encrypt_message("<xml><a>好</a></xml>", "n", "1570496400")
    assert open_reply(KEYS, True, 200, answer.encode()) == "<xml><a>好</a></xml>".encode()


def test_the_three_modes() -> None:
    xml = write_xml({"ToUserName": "gh_1", "Content": "报名"})
    given: dict[str, Any] = {"openid": "o1", "timestamp": 1, "nonce": "n"}
    plain, both, safe = (seal(KEYS, mode, xml, **given) for mode in ("plain", "compatible", "safe"))
    assert plain.body == xml
    assert set(plain.query) == {"signature", "timestamp", "nonce", "openid"}
    assert set(safe.query) == set(both.query) == {*plain.query, "encrypt_type", "msg_signature"}
    assert list(read_xml(both.body)) == ["ToUserName", "Content", "Encrypt"]
    assert list(read_xml(safe.body)) == ["ToUserName", "Encrypt"]
    assert decrypt(KEYS, read_xml(both.body)["Encrypt"]) == decrypt(KEYS, read_xml(safe.body)["Encrypt"]) == xml


# The other samples nest, or are not well-formed on purpose.
FLAT = [path for path in sorted(SAMPLES.glob("*.xml")) if not path.stem.startswith(("ev_MASS", "ev_subscribe_msg"))]
FLAT = [path for path in FLAT if path.stem not in ("in_text_control_char", "reply_news")]


@pytest.mark.parametrize("path", FLAT, ids=lambda path: path.stem)
def test_every_sample_is_written_again_byte_by_byte(path: Path) -> None:
    body = path.read_bytes().strip()
    bare = {"CreateTime", "MsgId", "MsgID", "MsgDataId", "Idx", "MenuId", "bizmsgmenuid", "ArticleCount"}
    bare |= {"Location_X", "Location_Y", "Scale", "Latitude", "Longitude", "Precision"}
    fields = {name: Bare(value) if name in bare else value for name, value in read_xml(body).items()}
    assert write_xml(fields) == body


def test_success_and_nothing_are_shown_as_nothing_and_never_encrypted() -> None:
    for encrypted in (True, False):
        assert open_reply(KEYS, encrypted, 200, b"success") is None
        assert open_reply(KEYS, encrypted, 200, b"") is None


def test_a_right_answer_is_opened() -> None:
    assert open_reply(KEYS, True, 200, envelope()) == b"<xml><a>1</a></xml>"
    assert open_reply(KEYS, False, 200, b"<xml><a>1</a></xml>") == b"<xml><a>1</a></xml>"


def spoiled_padding(at: int) -> str:
    """A cipher whose plain byte `at` places from the end is another one: the byte a block before it is changed."""
    raw = bytearray(base64.b64decode(encrypt(KEYS, b"<xml><a>1</a></xml>")))
    raw[-16 - at] ^= 0x40
    return base64.b64encode(bytes(raw)).decode()


@pytest.mark.parametrize(
    ("encrypted", "status", "body", "why"),
    [
        (True, 403, b"", "status 403"),
        (True, 500, b"success", "status 500"),
        (True, 200, b"<xml><a>1</a></xml>", "plain answer"),
        (False, 200, envelope(), "encrypted answer"),
        (True, 200, b"Success", "not well-formed"),
        (True, 200, envelope(MsgSignature="0" * 40), "MsgSignature is wrong"),
        (True, 200, envelope(Nonce=""), "Nonce is missing"),
        (True, 200, envelope(TimeStamp="now"), "TimeStamp"),
        (True, 200, envelope(Encrypt="*"), "base64"),
        (True, 200, envelope(Encrypt=base64.b64encode(b"x" * 48).decode()), "filled up"),
        (True, 200, envelope(Encrypt=spoiled_padding(1)), "padding"),
        (True, 200, envelope(Encrypt=spoiled_padding(2)), "padding"),
        (True, 200, envelope(Encrypt=encrypt(Keys("other", KEYS.token, KEYS.aes_key), b"<xml/>")), "app id"),
        (True, 200, b"<!DOCTYPE xml [<!ENTITY a 'b'>]><xml><a>&a;</a></xml>", "DOCTYPE"),
    ],
)
def test_a_wrong_answer_is_told_apart(encrypted: bool, status: int, body: bytes, why: str) -> None:
    with pytest.raises(WrongReply, match=why):
        open_reply(KEYS, encrypted, status, body)


@pytest.mark.parametrize(
    "body",
    [
        b"<xml><a><![CDATA[x]]</a></xml>",
        b"<xml><a><![CDATA[x]]>]]></a></xml>",
        b"<xml><a>\x03</a></xml>",
        b"<xml><a>1</a><a>2</a></xml>",
        b"<xml><a>1<b>2</b></a></xml>",
        b"<xml></xml>",
        b"<root><a>1</a></root>",
        b"<xml><a>1</a></xml><xml/>",
        b"<xml><a>\xff</a></xml>",
        b"<xml><a><b><c><d><e><f><g>1</g></f></e></d></c></b></a></xml>",
    ],
)
def test_xml_that_the_platform_cannot_read(body: bytes) -> None:
    with pytest.raises(WrongReply):
        read_xml(body)


def test_what_a_person_types_cannot_leave_its_cdata() -> None:
    written = write_xml({"Content": "a]]><MsgType>x</MsgType>"})
    assert read_xml(written) == {"Content": "a]]><MsgType>x</MsgType>"}

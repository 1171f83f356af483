"""Signatures and AES against the platform's known answers; every fault is the same refusal."""

from __future__ import annotations

import base64

import pytest

from bot.adapters.wechat.crypto import Seal
from bot.errors import Forbidden


@pytest.fixture
def seal(platform) -> Seal:
    return Seal(platform.app_id, platform.token, platform.aes_key)


@pytest.mark.parametrize("name", ["get_verify", "post_signature"])
def test_known_signatures(vectors, name):
    known = vectors[name]
    seal = Seal("wx", known["token"], None)
    assert seal.signature(known["timestamp"], known["nonce"]) == known["signature"]
    seal.check(known["signature"], known["timestamp"], known["nonce"])
    seal.check(known["signature"], known["nonce"], known["timestamp"])  # sorted: the order does not matter


def test_the_known_message_is_opened_and_sealed_again(vectors):
    known = vectors["aes"]
    seal = Seal(known["appid"], known["token"], known["encoding_aes_key"])
    assert seal.open(known["cipher_b64"]).decode() == known["plain"]
    assert seal.seal(known["plain"].encode(), known["random16"].encode()) == known["cipher_b64"]


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 31, 32, 33, 1000, 70_000])
def test_any_length_is_sealed_as_the_platform_expects(platform, seal, length):
    message = b"x" * length
    assert platform.decrypt(seal.seal(message)) == message
    assert seal.open(platform.encrypt(message)) == message


def test_the_same_message_is_sealed_differently_each_time(seal):
    assert seal.seal(b"hello") != seal.seal(b"hello")


@pytest.mark.parametrize("given", ["", "0" * 40, "é" * 40, "f464b24fc39322e44b38aa78f5edd27bd144169"])
def test_a_wrong_signature_is_refused(vectors, given):
    known = vectors["get_verify"]
    with pytest.raises(Forbidden):
        Seal("wx", known["token"], None).check(given, known["timestamp"], known["nonce"])


def _cases(platform) -> dict[str, str]:
    def sealed(length: int) -> bytes:
        return b"0123456789abcdef" + length.to_bytes(4, "big") + b"hello" * (length // 5) + platform.app_id.encode()

    message = sealed(5)
    fill = 32 - len(message) % 32
    right = platform.crypt(message + bytes([fill]) * fill)
    assert Seal(platform.app_id, platform.token, platform.aes_key).open(right) == b"hello"
    too_long = b"0123456789abcdef" + (2**32 - 1).to_bytes(4, "big") + b"hello" + platform.app_id.encode()
    return {
        "nothing": "",
        "not base64": "????",
        "not ASCII": "深圳",
        "base64 with a space inside": right[:8] + " " + right[8:],
        "half an AES block": base64.b64encode(base64.b64decode(right)[:-8]).decode(),
        "half a padding block": base64.b64encode(base64.b64decode(right)[:-16]).decode(),
        "no padding": platform.crypt(message[:32]),
        "padding of zero": platform.crypt(message + bytes(fill)),
        "padding of 33": platform.crypt(sealed(25) + b"\x21" * 33),
        "padding to 16": platform.crypt(sealed(5) + b"\x05" * 5),
        "one padding byte wrong": platform.crypt(message + b"\x00" + bytes([fill]) * (fill - 1)),
        "padding says too little": platform.crypt(message + bytes([fill]) * (fill - 1) + b"\x01"),
        "another app": platform.encrypt(b"hello", "wx0000000000000000"),
        "no app": platform.crypt(platform.pad(message[:25])),
        "app id and more": platform.encrypt(b"hello", platform.app_id + "x"),
        "a length past the end": platform.crypt(platform.pad(too_long)),
        "only padding": platform.crypt(b"\x20" * 32),
        "another key": Seal(platform.app_id, platform.token, "A" * 43).seal(b"hello"),
    }


@pytest.mark.parametrize("name", [
    "nothing", "not base64", "not ASCII", "base64 with a space inside", "half an AES block", "half a padding block",
    "no padding", "padding of zero", "padding of 33", "padding to 16", "one padding byte wrong",
    "padding says too little", "another app", "no app", "app id and more", "a length past the end",
    "only padding", "another key",
])  # fmt: skip
def test_what_was_not_sealed_for_us_is_refused(platform, seal, name):
    with pytest.raises(Forbidden):
        seal.open(_cases(platform)[name])


def test_without_a_key_nothing_is_opened(platform):
    with pytest.raises(Forbidden):
        Seal(platform.app_id, platform.token, None).open(platform.encrypt(b"hello"))

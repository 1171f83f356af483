"""What `usher demo` hands to the bot: its own platforms, mail server and templates, whatever stands outside."""

from __future__ import annotations

import pytest

from bot.clock import Clock
from bot.demo import ORGANIZER, platforms_of, settings_for
from bot.settings import WrongSetting
from tests.letters import send_template

PLAYED = {
    "SECRET": "a secret of the tests alone",
    "WECHAT_APP_ID": "wx0123456789abcdef",
    "WECHAT_APP_SECRET": "secret",
    "WECHAT_TOKEN": "token",
    "WECHAT_AES_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "WECHAT_API_URL": "http://127.0.0.1:1001",
    "TELEGRAM_TOKEN": "123456789:AAtest_token",
    "TELEGRAM_SECRET": "hook",
    "TELEGRAM_API_URL": "http://127.0.0.1:1002",
    "SMTP_URL": "smtp://127.0.0.1:1003",
}


def test_mails_go_to_the_demos_own_mailbox_whatever_is_set_outside() -> None:
    outside = {"USHER_SMTP_URL": "smtp://mail.example.org:25", "USHER_MAIL_FROM": "wrong", "USHER_WECHAT_MODE": "wrong"}
    settings = settings_for(outside, 8123, PLAYED)
    assert settings.smtp_url is not None
    assert settings.smtp_url.get_secret_value() == "smtp://127.0.0.1:1003"
    assert settings.mail_from == "Usher <usher@example.org>"
    assert settings.public_url == "http://127.0.0.1:8123"
    assert settings.wechat_api_url != settings.telegram_api_url  # each can be down alone


def test_the_demos_own_organizer_may_write_to_all_and_nobody_else() -> None:
    settings = settings_for({"USHER_TELEGRAM_ORGANIZERS": "12345"}, 8123, PLAYED)
    assert list(settings.telegram_organizers) == [ORGANIZER]
    assert ORGANIZER < 7_000_000_000  # a guest's number is never an organizer's


def test_what_is_not_the_demos_own_is_still_read() -> None:
    assert settings_for({"USHER_LOG": "json"}, 8123, PLAYED).log == "json"
    with pytest.raises(WrongSetting, match="USHER_NO_SUCH"):
        settings_for({"USHER_NO_SUCH": "1"}, 8123, PLAYED)


@pytest.mark.parametrize("setting", ["wechat_template_reminder", "wechat_template_confirmation"])
async def test_the_demos_account_has_the_templates_that_the_bot_is_told_of(clock: Clock, setting: str) -> None:
    settings = settings_for({}, 8123, PLAYED)
    wechat, _ = platforms_of(settings, clock)
    wechat.templates.telling = "never"
    phone = wechat.phone("o1234567")
    phone.following = True
    data = {"thing1": "家庭友好空间分享会", "time2": "2019年10月22日 9:30", "thing3": "深圳", "thing4": "明天见"}
    answer = await send_template(wechat, phone.openid, getattr(settings, setting), data)
    assert answer["errcode"] == 0
    (line,) = phone.transcript.lines
    assert all(value in line.text for value in data.values())
    assert wechat.violations == []

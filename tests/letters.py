"""Mails and template messages such as a bot sends, sent as anybody may: over real SMTP, and by cgi-bin's own calls."""

from __future__ import annotations

import asyncio
import base64
import smtplib
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette

from bot.sandbox.wechat import WeChatPlatform

PNG = base64.b64decode(  # two by two
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACAQAAAABazTCJAAAADElEQVR4nGNoYHAAAAHEAMGYZjUWAAAAAElFTkSuQmCC"
)
HTML = (
    '<html><head><style>h1 { color: rgb(10, 125, 67) }</style></head><body><h1>已确认</h1><img src="cid:code">'
    '<a href="http://127.0.0.1:1/ticket/abc">入场码</a><script>parent.document.title = "owned"</script>'
    '<img src="{spy}"></body></html>'
)
CALENDAR = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def letter(to: str = "wangfang@example.com", subject: str = "报名已确认 FFS-7K2M9Q", spy: str = "") -> EmailMessage:
    """A confirmation: text, HTML with a picture inside and one from elsewhere, a calendar and a ticket."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "家庭友好空间分享会 <usher@example.org>", to, subject
    mail.set_content("王芳您好，您的报名已确认。\n.一行以点开头\n")
    mail.add_alternative(HTML.replace("{spy}", spy), subtype="html")
    inside: Any = mail.get_payload()
    inside[1].add_related(PNG, "image", "png", cid="<code>")
    mail.add_attachment(CALENDAR, maintype="text", subtype="calendar", filename="会议.ics")
    mail.add_attachment(PNG, maintype="image", subtype="png", filename="ticket.png")
    return mail


async def post(url: str, *mails: EmailMessage) -> None:
    """Sends mails to the server of an smtp:// address; raises what smtplib raises."""
    await asyncio.to_thread(_post, url, *mails)


async def send_template(
    wechat: WeChatPlatform, openid: str, template: str, values: dict[str, str], url: str = ""
) -> Any:
    """The answer to one template message."""
    asked = {"grant_type": "client_credential", "appid": wechat.keys.app_id, "secret": wechat.secret}
    data = {name: {"value": value} for name, value in values.items()}
    message = {"touser": openid, "template_id": template, "url": url, "data": data}
    transport = httpx.ASGITransport(Starlette(routes=wechat.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://platform/cgi-bin/") as api:
        token = (await api.post("stable_token", json=asked)).json()["access_token"]
        return (await api.post("message/template/send", params={"access_token": token}, json=message)).json()


def _post(url: str, *mails: EmailMessage) -> None:
    parts = urlsplit(url)
    with smtplib.SMTP(parts.hostname or "", parts.port or 0, timeout=10) as server:
        for mail in mails:
            server.send_message(mail)

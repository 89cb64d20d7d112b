"""Alerts by other ways than mail: Slack, Telegram, webhooks and the like, by Apprise URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra import mail
from infra.errors import ErrorCode, TickhouseError

if TYPE_CHECKING:
    from infra.mail import Message
    from infra.settings import Mail

TIMEOUT_S = 15.0


class ChannelCode(ErrorCode):
    """What can go wrong with a channel."""

    CHANNEL_NOT_SENT = (
        "a channel did not take the message",
        "check the URLs in TICKHOUSE_MAIL__CHANNELS (apprise -v URL tries one); alerts are kept for the next tick",
    )


def send(settings: Mail, message: Message) -> list[str]:
    """Says it by mail and by every channel; the ways that took it, none where none is configured.

    The first way in the settings must take it (mail, else the first channel), or MAIL_NOT_SENT or CHANNEL_NOT_SENT is
    raised. A further one that fails is left out of the answer: a chat that is down must not repeat the mail for ever.
    """
    took = ["mail"] if mail.send(settings, message) else []
    for place, channel in enumerate(settings.channels):
        url = channel.get_secret_value()
        scheme = url.split("://", maxsplit=1)[0] if "://" in url else "unknown"  # what follows may be a token
        if _notify(url, message):
            took.append(scheme)
        elif not took and place == 0:
            raise TickhouseError(ChannelCode.CHANNEL_NOT_SENT, channel=scheme)
    return took


def _notify(url: str, message: Message) -> bool:
    """The whole text where it fits into one message, else the short one; pictures where the service takes files."""
    from apprise import Apprise, AppriseAttachment
    from apprise.attachment.memory import AttachMemory
    from apprise.common import OverflowMode

    channel = Apprise()
    if not channel.add(url):
        return False
    service = channel[0]
    if "overflow=" not in url:  # Apprise's own default leaves a message that is too long to the service, which refuses
        service.overflow_mode = OverflowMode.SPLIT
    fits = len(message.text) <= service.body_maxlen
    pictures = AppriseAttachment()
    for picture in message.pictures if service.attachment_support else ():
        png = AttachMemory(content=picture.png, name=f"{picture.name}.png", mimetype="image/png")  # type: ignore[no-untyped-call]
        pictures.add(png)
    body = message.text if fits or not message.short else message.short
    return bool(channel.notify(title=message.subject, body=body, attach=pictures or None, timeout=TIMEOUT_S))

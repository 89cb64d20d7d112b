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
    from apprise import Apprise

    channel = Apprise()
    return bool(channel.add(url) and channel.notify(title=message.subject, body=message.text, timeout=TIMEOUT_S))

"""What Usher says: one router for each subject, put together here."""

from bot.conversation.router import Router
from handlers import agenda, broadcast, change, faq, form, help, me, organizer, privacy, registration, venue  # noqa: A004  # named for 帮助

router = Router(
    registration.router,
    form.router,
    change.router,
    me.router,
    agenda.router,
    venue.router,
    help.router,
    organizer.router,
    privacy.router,
    broadcast.router,
    faq.router,
)

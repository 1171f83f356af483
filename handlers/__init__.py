"""What Usher says: one router for each subject, put together here."""

from bot.conversation.router import Router
from handlers import (
    agenda,
    broadcast,
    change,
    faq,
    form,
    help,  # noqa: A004  # named for 帮助
    me,
    organizer,
    privacy,
    progress,
    registration,
    sure,
    venue,
)

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
    sure.router,
    broadcast.router,
    progress.router,
    faq.router,
)

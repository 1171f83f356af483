"""Groups: whom a text there speaks to, and how much we say: one sentence a call, never more than a group may get."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence

import telegram
from telegram.constants import MessageEntityType

from bot.adapters.telegram.words import COMMAND, clean
from bot.clock import seconds

_A_MINUTE = 20  # messages to one group: https://core.telegram.org/bots/faq#broadcasting-to-users
_REMEMBERED = 1000  # groups and calls; a group is told nothing that must arrive, so memory is enough


class Groups:
    """Remembers what was said where lately."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, None] = OrderedDict()
        self._said: OrderedDict[int, deque[float]] = OrderedDict()

    def may_answer(self, call: str, chat: int) -> bool:
        """Whether this call is new and its group has room for one more message; then it counts as answered."""
        if call in self._calls:
            return False
        said = self._said.setdefault(chat, deque(maxlen=_A_MINUTE))
        self._said.move_to_end(chat)
        if len(said) == _A_MINUTE and seconds() - said[0] < 60:
            return False
        said.append(seconds())
        self._calls[call] = None
        for memory in (self._calls, self._said):
            if len(memory) > _REMEMBERED:
                memory.popitem(last=False)
        return True


def addressed(message: telegram.Message, account: str) -> frozenset[str] | None:
    """Whom a text in a group speaks to: the user names, none where it is certainly us, None where it is no bot's."""
    text = clean(message.text or message.caption or "")
    entities: Sequence[telegram.MessageEntity] = message.entities or message.caption_entities
    if any(entity.user and str(entity.user.id) == account for entity in entities):
        return frozenset()
    if command := COMMAND.fullmatch(text):
        return frozenset({command[2].lower()} if command[2] else ())
    mentions = frozenset(_mentions(message.text or message.caption or "", entities))
    return mentions or None


def _mentions(text: str, entities: Iterable[telegram.MessageEntity]) -> Iterator[str]:
    """User names without the @. Offsets and lengths count UTF-16 units, two bytes each."""
    units = text.encode("utf-16-le", "surrogatepass")
    for entity in entities:
        if entity.type == MessageEntityType.MENTION:
            piece = units[2 * entity.offset : 2 * (entity.offset + entity.length)]
            yield piece.decode("utf-16-le", "replace").removeprefix("@").lower()

"""What is common to texts from Telegram: what a command looks like, and which characters go on."""

from __future__ import annotations

import re

LONGEST = 4096  # characters of a text that go on; nobody can type more: https://core.telegram.org/bots/api#message
COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?:\s+(.*))?", re.DOTALL)


def clean(text: object) -> str:
    """Text that every database and every encoding takes: no lone surrogates, no control characters but line ends.

    Of what is longer than a person can type, only the beginning: whoever reads it on need not fear its length.
    Raises TypeError for what is no text.
    """
    if not isinstance(text, str):
        raise TypeError("not text")
    whole = text[:LONGEST].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(char for char in whole if char in "\n\t" or not (char < " " or "\x7f" <= char < "\xa0"))

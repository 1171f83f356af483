"""`python -m bot.cli` is `usher`."""

from bot.cli import main

main()

"""Usher: registration and questions for an event, inside WeChat and Telegram.

The floors, from the top; upper ones name lower ones, never back:

    cli                          the `usher` commands
    app                          the entrance: everything wired by hand, once
    handlers, web, sandbox       what is said; what is served; the platforms played on loopback
    lanes, live                  what leaves later, wired; the content that is served, swapped as a whole
    registration, questions      register, export, forget; what could not be answered
    conversation, delivery       a message walks in and its reply walks back; what is sent later
    adapters, answers            WeChat and Telegram; finding the entry that answers a question
    content, store               the files organizers edit; the database
    message, settings, errors, clock
"""

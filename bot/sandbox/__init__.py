"""Plays both platforms on loopback, strictly, for the demo and the tests; knows nothing of our adapters.

    transcript, loopback                what a person sees on one phone; how the bot is called
    wechat_wire, wechat_xml             signatures and AES; the XML inside
    wechat_reply                        what a reply must be to be shown
    wechat, wechat_phone                the account and its pushes; what a follower does
    wechat_api, _token, _custom, _menu  cgi-bin
    wechat_template                     template messages, once in ten minutes, and the push that tells their end
    telegram, telegram_phone, _chat     the bot's platform; what a person does; chats
    telegram_updates                    queues, webhook, getUpdates
    telegram_api, _account, _sends      the Bot API
    telegram_params, _text, _markup     what calls carry, and its limits
    telegram_limits                     how many messages may come, and who broke that
    trouble, door, accepted             calls that go wrong by order; refused connections; what was taken, and when
    mailbox, mailbox_mail               the SMTP server that keeps every mail
    page, page_api, page_cards          the two phones in a browser
    clock_page, mailbox_page, switches  the clock to wind on, the mails, what can go wrong
    organizer_page                      what an organizer does, as buttons
    page_request, page_words            what the page may send, and says

Rules: the platforms' own pages. Where those are silent, the strict reading is taken and the place says so.
"""

"""Plays both platforms on loopback, strictly, for the demo and the tests; knows nothing of our adapters.

    transcript                         what a person sees on one phone
    wechat_wire, wechat_reply          signatures, AES and XML; what a reply must be to be shown
    wechat, wechat_phone, wechat_api   the account and its followers; what a person does; cgi-bin
    telegram_text, telegram_markup     entities and keyboards as the Bot API checks them
    telegram_updates                   queues, webhook, getUpdates
    telegram, telegram_phone, _api     the bot and its chats; what a person does; the Bot API
    page                               the two phones in a browser

Rules: the platforms' own pages. Where those are silent, the strict reading is taken and the place says so.
"""

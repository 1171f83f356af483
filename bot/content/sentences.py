"""Every sentence the bot itself says, by key, with the placeholders each may use besides those of facts.py.

The keys stand here and in content/texts.toml on purpose: organizers edit that file where it lies, so it cannot be its
own measure. `usher check` compares the two; tests/test_house.py compares these with what the code says.
"""

from __future__ import annotations

_PLAIN = """
form.go_on again.register again.colleague exit.done_colleague colleague.declined
welcome.hello welcome.event welcome.ask welcome.other_language help thanks nod bye past media edited stale fault
choice.more choice.register choice.go_on choice.agenda choice.venue choice.me choice.edit choice.cancel
choice.colleague choice.privacy choice.organizer choice.help choice.resume choice.english choice.chinese
choice.drop_draft choice.none_of_these choice.cancel_yes choice.cancel_no choice.drop choice.keep_draft
choice.forget_yes choice.forget_no more.nothing form.welcome_back form.new_notice form.declined form.skip form.keep
form.notice_changed form.same_word form.share_phone form.phone_not_now form.nothing form.review form.review_colleague
form.review_ask form.confirm form.edit form.drop form.which form.done form.not_finished form.after form.forward
form.question_or_answer form.invalid.empty form.invalid.phone form.invalid.email form.invalid.foreign_contact
form.invalid.review next.pending next.confirmed next.waitlisted exit.done exit.nothing drop.ask drop.done closed.over
closed.closed closed.not_yet colleague.first_yourself colleague.begin colleague.consent me.none me.draft_review
status.pending status.confirmed status.waitlisted status.declined status.cancelled edit.which cancel.which cancel.kept
agenda.heading agenda.past agenda.one agenda.unknown agenda.empty venue.text venue.no_directions unknown.venue
unknown.directions unknown.contact unknown.booklet unknown.which unknown.forwarded unknown.not_ours unknown.enough
organizer.ask organizer.done handoff.asked handoff.also handoff.enough handoff.left handoff.somebody handoff.on_wechat
handoff.on_telegram handoff.reads_zh handoff.reads_en handoff.close handoff.closed handoff.erased handoff.text_only
handoff.too_long
language.ask language.done sure.yes_or_no number.nothing status.over.pending status.over.confirmed
status.over.waitlisted status.over.declined status.over.cancelled
form.needed stop.done resume.done mydata.draft mydata.questions mydata.end
mydata.messages mydata.reminder mydata.broadcast mydata.decision mydata.note mydata.answer mydata.by_chat
mydata.by_mail forget.ask forget.kept
menu.register menu.information menu.agenda menu.venue menu.me menu.help
telegram.group command.register command.me command.edit command.cancel command.colleague command.agenda command.venue
command.help command.language command.exit command.organizer command.privacy command.mydata command.forget
command.stop command.resume
ticket.title ticket.event ticket.when ticket.where ticket.where_later ticket.city ticket.map ticket.show ticket.change
ticket.label.when ticket.label.where ticket.label.directions ticket.label.name ticket.label.organization
ticket.label.reference ticket.status.pending ticket.status.confirmed ticket.status.waitlisted ticket.status.declined
ticket.status.cancelled template.confirmed template.promoted template.pending template.waitlisted template.declined
template.cancelled template.reminder template.broadcast
"""
_BROADCAST = """
broadcast.ask_who broadcast.to.other broadcast.ask_filter broadcast.may_skip broadcast.language.zh broadcast.language.en
broadcast.fault.control broadcast.example_name broadcast.half_written broadcast.help broadcast.ask_drop broadcast.keep
broadcast.words broadcast.nobody broadcast.route.wechat_message broadcast.route.wechat_template
broadcast.route.wechat_reply broadcast.route.telegram broadcast.route.email broadcast.ask_send broadcast.not_sent
broadcast.lately broadcast.dropped broadcast.none broadcast.status.queued broadcast.status.sending
broadcast.status.waiting broadcast.status.sent broadcast.status.failed broadcast.status.unreachable
broadcast.status.skipped broadcast.status.unconfirmed broadcast.send broadcast.change broadcast.drop
broadcast.progress broadcast.pause broadcast.resume broadcast.stop broadcast.under_way broadcast.new
"""
_TOLD = """
decision.confirmed decision.promoted decision.pending decision.waitlisted decision.declined decision.cancelled
decision.cannot_come decision.pass_on decision.venue decision.venue_later decision.directions decision.nameless
mail.subject.confirmed mail.subject.promoted mail.subject.pending mail.subject.waitlisted mail.subject.declined
mail.subject.cancelled mail.subject.reminder mail.subject.broadcast mail.subject.answer handoff.answer mail.hello
mail.confirmed mail.promoted mail.pending mail.waitlisted mail.declined mail.cancelled_colleague mail.qr mail.open
mail.show mail.show_number mail.calendar mail.calendar_off mail.cannot_come_colleague mail.footer_colleague
mail.chat.wechat mail.chat.telegram mail.chat.other
"""
_FILLED = {
    "mail.cancelled": "chat",
    "mail.cannot_come": "chat",
    "mail.footer": "chat",
    "broadcast.to.confirmed": "count",
    "broadcast.to.factory": "count",
    "broadcast.to.all": "count",
    "broadcast.wrong_filter": "fault",
    "broadcast.ask_zh": "count name reference",
    "broadcast.ask_en": "count",
    "broadcast.needed": "count language",
    "broadcast.wrong": "language faults",
    "broadcast.fault.unknown": "placeholder known",
    "broadcast.fault.stray": "sign",
    "broadcast.fault.wechat": "size most",
    "broadcast.fault.telegram": "size most",
    "broadcast.preview": "language name",
    "broadcast.people": "people",
    "broadcast.by_route": "route count",
    "broadcast.windows": "until",
    "waiting.more": "count",
    "broadcast.rests": "until reason",
    "broadcast.off": "name reason",
    "broadcast.waits": "count reason",
    "broadcast.not_reached": "count reason",
    "broadcast.type_number": "people",
    "broadcast.queued": "people id",
    "broadcast.count": "status count",
    "broadcast.state.planning": "id text done total",
    "broadcast.state.planned": "id text done total",
    "broadcast.state.paused": "id text done total",
    "broadcast.state.stopped": "id text done total",
    "broadcast.goes_on": "id",
    "broadcast.state.scheduled": "id text at",
    "broadcast.state.missed": "id text done total",
    "form.begin": "steps",
    "form.same": "value",
    "form.done_all": "reference",
    "form.invalid.choice": "count",
    "form.invalid.long": "length limit",
    "form.invalid.phone_short": "count",
    "form.invalid.phone_long": "count",
    "colleague.done": "name reference",
    "colleague.enough": "count",
    "me.own": "reference who",
    "me.colleague": "reference who",
    "me.draft": "done total",
    "me.status": "reference status",
    "edit.begin": "name reference",
    "edit.done": "reference",
    "cancel.ask": "name reference",
    "cancel.done": "name reference",
    "agenda.no_such": "count",
    "mydata.contact": "channel language since source user_id",
    "mydata.registration": "reference when",
    "mydata.colleague": "reference when",
    "mydata.consent": "version when",
    "forget.colleagues": "count",
    "forget.done": "receipt when",
    "decision.ticket": "link",
    "decision.mailed": "email",
    "decision.map": "link",
    "handoff.note": "who channel language text",
    "answer.asked": "question",
    "handoff.sent": "route",
    "handoff.waits": "reason",
    "handoff.unreachable": "reason",
    **dict.fromkeys(_TOLD.split(), "name reference"),
}
SENTENCES: dict[str, frozenset[str]] = {key: frozenset() for key in (_PLAIN + _BROADCAST).split()} | {
    key: frozenset(names.split()) for key, names in _FILLED.items()
}

"""The welcome, help, language, leaving and coming back, and polite words for what cannot be read."""

from __future__ import annotations

from bot.conversation.prompt import current, prompt
from bot.conversation.router import Router
from bot.conversation.turn import Turn
from bot.message import Kind, Reply
from bot.registration.register import registrations
from handlers.me import show
from handlers.opening import ways_on

EXIT = ("退出", "exit", "quit")

router = Router()


@router.kind(Kind.START, aside=True)
def start(turn: Turn) -> Reply:
    """A follow, a scanned code, /start."""
    return welcome(turn)


@router.on(
    "你好",
    "您好",
    "hello",
    "hi",
    "在吗",
    "哈喽",
    "嗨",
    "早上好",
    "下午好",
    "hey",
    "start",
    "开始",
    aside=True,
    courtesy=True,
)
def greet(turn: Turn) -> Reply:
    """A greeting is answered like a start."""
    return welcome(turn)


def welcome(turn: Turn) -> Reply:
    """What this is, and what to do first; the first one has a line in the other language."""
    lines = [turn.say("past" if turn.content.over(turn.now) else "welcome.hello"), turn.say("welcome.event")]
    lines.append(turn.say("welcome.ask"))
    if turn.person.is_new or not turn.person.language_chosen:
        lines.append(turn.say("welcome.other_language"))
    return Reply("\n".join(lines), choices=ways_on(turn))


@router.role("command", aside=True)
@router.on("帮助", "help", "菜单", "menu", aside=True)
def help_(turn: Turn) -> Reply:
    """Every word that is understood, with what it does."""
    return Reply("\n".join((turn.say("help"), turn.say("broadcast.words"))) if turn.organizer else turn.say("help"))


@router.on(
    "谢谢",
    "多谢",
    "感谢",
    "thanks",
    "thank you",
    "thx",
    "好的谢谢",
    "唔该",
    aside=True,
    courtesy=True,
)
def thanks(turn: Turn) -> Reply:
    """A word of courtesy is answered with one."""
    return Reply(turn.say("thanks"))


@router.role("nod", aside=True)
@router.on(
    *(
        "ok",
        "okay",
        "got it",
        "好",
        "好的",
        "嗯",
        "嗯嗯",
        "哦",
        "收到",
        "知道了",
        "明白",
        "明白了",
        "了解",
        "行",
        "可以",
        "改好了",
        "done",
    ),
    aside=True,
    courtesy=True,
)
def nod(turn: Turn) -> Reply:
    """A nod asks nothing; in the form it is no answer either."""
    draft = turn.state.form
    if draft is None:
        return Reply(turn.say("nod"))
    return Reply(turn.say("form.go_on" if current(turn, draft) else "form.invalid.review"))


@router.on("再见", "拜拜", "bye", "goodbye", aside=True, courtesy=True)
def bye(turn: Turn) -> Reply:
    """Likewise."""
    return Reply(turn.say("bye"))


@router.on("语言", "language", aside=True)
def language(turn: Turn) -> Reply:
    """Which language to speak; in the form too, where the form asks again afterwards."""
    return Reply(turn.say("language.ask"), choices=(turn.choice("choice.chinese"), turn.choice("choice.english")))


@router.on("en", "english", "英文", "英语", aside=True)
def english(turn: Turn) -> Reply:
    """English from here on."""
    turn.speak("en", chosen=True)
    return _spoken(turn)


@router.on("中文", "zh", "chinese", "汉语", "普通话", aside=True)
def chinese(turn: Turn) -> Reply:
    """Chinese from here on."""
    turn.speak("zh", chosen=True)
    return _spoken(turn)


def _spoken(turn: Turn) -> Reply:
    return Reply(turn.say("language.done"), choices=ways_on(turn))


@router.on(*EXIT)
def leave_form(turn: Turn) -> Reply:
    """Leaves the form; what was typed is kept, and 报名 goes on with it. An organizer's letter is dropped."""
    if turn.state.letter:
        turn.state.letter = None
        return Reply(turn.say("broadcast.dropped"))
    if turn.state.change:
        turn.state.change = None
        return show(turn, registrations(turn.session, turn.person.id))
    draft = turn.state.draft
    if draft is None or not draft.active:
        return Reply(turn.say("handoff.left" if turn.quiet else "exit.nothing"), choices=ways_on(turn))
    draft.active = False
    if draft.colleague:
        return Reply(turn.say("exit.done_colleague"), choices=(turn.choice("choice.colleague"),))
    return Reply(turn.say("exit.done"), choices=(turn.choice("choice.go_on"),))


@router.on("退订", "stop", "unsubscribe", aside=True)
def stop(turn: Turn) -> Reply:
    """No reminders and announcements any more; answers and the registration stay."""
    turn.person.stopped_at = turn.now
    turn.changed.add("stopped_at")
    return Reply(turn.say("stop.done"), choices=(turn.choice("choice.resume"),))


@router.on("订阅", "resume", "subscribe", aside=True)
def resume(turn: Turn) -> Reply:
    """Reminders again."""
    if turn.content.over(turn.now):
        return Reply(turn.say("closed.over"))
    turn.person.stopped_at = None
    turn.changed.add("stopped_at")
    return Reply(turn.say("resume.done"))


@router.on("继续", "more")
def more(turn: Turn) -> Reply:
    """The rest of a long answer, then what waits; with nothing waiting, the form goes on, or help."""
    if turn.state.rest:
        rest, turn.state.rest, turn.continues = turn.state.rest, "", True
        return prompt(turn, rest) if turn.state.form else Reply(rest)
    turn.filler = True
    if turn.state.form:
        return prompt(turn)
    if turn.state.draft and not turn.state.waits:
        turn.state.draft.active = True
        return prompt(turn)
    return Reply(turn.say("more.nothing"), choices=(turn.choice("choice.help"),))


@router.kind(Kind.MEDIA, aside=True)
def media(turn: Turn) -> Reply:
    """An image, a voice, a sticker: nothing that can be read here."""
    return Reply(turn.say("media"))


@router.kind(Kind.EDITED, aside=True)
def edited(turn: Turn) -> Reply:
    """A message changed afterwards is not read again."""
    return Reply(turn.say("edited"))


@router.role("stale", aside=True)
def stale(turn: Turn) -> Reply:
    """A button of an earlier message: what it asked is answered already."""
    if turn.message.tapped.startswith("review.") and not turn.state.form:
        return show(turn, registrations(turn.session, turn.person.id))
    return Reply(turn.say("stale"))

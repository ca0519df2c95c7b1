"""Messages in each receiver's format. Pure.

Names of tasks, messages and schedules, and the texts of errors, are untrusted: they must not mention people, create
links or break the format of the message. Chats show them as code; in plain text, links in them do not work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerts.problems import Problem
from makertasks import clock, settings
from makertasks.monitoring.alerts import LABELS, Form

# Slack cuts texts at 4,000 characters, Discord refuses more than 2,000, ntfy turns more than 4,096 bytes into a file.
LIMITS: dict[Form, int] = {"slack": 3_500, "mattermost": 3_500, "discord": 1_900, "ntfy": 3_500, "email": 20_000}
MOST_SUBJECT = 100  # SNS's limit
MOST_IN_JSON = 100
# Characters or bytes reserved for the line with the number of further problems.
REST = 160

# An invisible character that prevents a mention from beginning here.
APART = "\u200b"


@dataclass(frozen=True)
class Message:
    """The message of one alert in one run: new problems, and resolved ones."""

    alert: str
    told: Sequence[Problem] = ()
    over: Sequence[Problem] = ()
    test: bool = False


@dataclass(frozen=True)
class Post:
    """A request to a webhook."""

    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


def title(message: Message) -> str:
    """Return the heading: ASCII, and only fixed words and the names of the stack and of a tested alert."""
    stack = settings.stack()
    if message.test:
        return f"makertasks {stack}: test of alert {message.alert}"[:MOST_SUBJECT]
    parts = [_counted(len(message.told), "problem"), f"{len(message.over)} resolved" if message.over else ""]
    return f"makertasks {stack}: {', '.join(filter(None, parts))}"[:MOST_SUBJECT]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


def plain(message: Message, form: Form = "email") -> str:
    """Return the text of an email or an ntfy message."""

    def line(problem: Problem, over: bool) -> str:
        text = problem.text.replace("://", ": //")
        said = f"{'Resolved: ' if over else ''}{LABELS[problem.kind]}: {text}"
        return said if over else f"{said}\n  {page_of(problem)}\n  What to do: {runbook_of(problem)}"

    return _filled(message, form, line, "\n\n", str)


def slack(message: Message) -> Post:
    """Return Slack's format (https://docs.slack.dev/messaging/formatting-message-text)."""
    text = _chat(message, "slack", _slack_code, lambda label, url: f"<{url}|{label}>", lambda text: f"*{text}*")
    return _json({"text": text, "unfurl_links": False, "unfurl_media": False})


def mattermost(message: Message) -> Post:
    """Return Mattermost's format (https://docs.mattermost.com/developer/webhooks-incoming.html)."""
    return _json({"text": _chat(message, "mattermost", _code, _markdown_link, lambda text: f"**{text}**")})


def discord(message: Message) -> Post:
    """Return Discord's format (https://discord.com/developers/docs/resources/webhook#execute-webhook)."""
    text = _chat(message, "discord", _code, _markdown_link, lambda text: f"**{text}**")
    return _json({"content": text, "allowed_mentions": {"parse": []}, "flags": 4})  # 4: suppress link previews


def ntfy(message: Message) -> Post:
    """Return ntfy's format: text, with title, priority and link in headers (https://docs.ntfy.sh/publish/)."""
    wrong = bool(message.told)
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Title": title(message),
        "Priority": "high" if wrong else "default",
        "Tags": "warning" if wrong else "white_check_mark",
        "Click": page_of(message.told[0]) if len(message.told) == 1 else f"{settings.api_address()}/alerts",
    }
    return Post(plain(message, "ntfy").encode(), headers)


def document(message: Message) -> Post:
    """Return the JSON format that docs/operating.md describes."""
    return _json(
        {
            "type": "test" if message.test else "alert",
            "stack": settings.stack(),
            "alert": message.alert,
            "when": clock.text(clock.now()),
            "title": title(message),
            "problems": [_entry(problem) for problem in message.told[:MOST_IN_JSON]],
            "over": [_entry(problem) for problem in message.over[:MOST_IN_JSON]],
            "more": max(len(message.told) - MOST_IN_JSON, 0) + max(len(message.over) - MOST_IN_JSON, 0),
        }
    )


def _entry(problem: Problem) -> dict[str, str]:
    return {
        "kind": problem.kind,
        "subject": problem.subject,
        "text": problem.text,
        "url": page_of(problem),
        "runbook": runbook_of(problem),
    }


WEBHOOKS: dict[str, Callable[[Message], Post]] = {
    "slack": slack, "mattermost": mattermost, "discord": discord, "ntfy": ntfy, "json": document,
}  # fmt: skip


def page_of(problem: Problem) -> str:
    """Return the address of the page that shows a problem."""
    return f"{settings.api_address()}{problem.path}"


def runbook_of(problem: Problem) -> str:
    """Return the address of a problem's runbook, a section of the alerts page."""
    return f"{settings.api_address()}/alerts#{problem.kind}"


def _json(body: dict[str, Any]) -> Post:
    return Post(json.dumps(body, ensure_ascii=False).encode())


def _chat(
    message: Message,
    form: Form,
    code: Callable[[str], str],
    link: Callable[[str, str], str],
    strong: Callable[[str], str],
) -> str:
    def line(problem: Problem, over: bool) -> str:
        said = f"{'Resolved: ' if over else ''}{LABELS[problem.kind]}: {code(problem.text)}"
        return said if over else f"{said} {link('Open', page_of(problem))} · {link('What to do', runbook_of(problem))}"

    return _filled(message, form, line, "\n", strong)


def _filled(
    message: Message,
    form: Form,
    line: Callable[[Problem, bool], str],
    between: str,
    strong: Callable[[str], str],
) -> str:
    """Return the title and as many lines as fit the format's limit; ntfy counts bytes, the others characters."""

    def size(text: str) -> int:
        return len(text.encode()) if form == "ntfy" else len(text)

    parts = [strong(title(message))]
    if message.test:
        parts.append("This is a test. Alerts will arrive here.")
    every = [*((problem, False) for problem in message.told), *((problem, True) for problem in message.over)]
    room = LIMITS[form] - size(parts[0]) - REST
    for number, (problem, over) in enumerate(every):
        written = line(problem, over)
        room -= size(between + written)
        if room < 0:
            parts.append(f"and {len(every) - number} more: {settings.api_address()}/")
            break
        parts.append(written)
    return between.join(parts)


def _code(text: str) -> str:
    """Return text as Markdown code, in which mentions and links do not work.

    Mattermost also interprets Slack's `<!channel>` and `<address|text>`, even in code.
    """
    return f"`{_unmentioning(text).replace('<', '‹').replace('>', '›')}`"


def _slack_code(text: str) -> str:
    """Return text as Slack code (https://docs.slack.dev/messaging/formatting-message-text#escaping)."""
    return f"`{_unmentioning(text).replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}`"


def _unmentioning(text: str) -> str:
    return text.replace("`", "'").replace("@", f"@{APART}") or "-"


def _markdown_link(label: str, url: str) -> str:
    return f"[{label}]({url})"

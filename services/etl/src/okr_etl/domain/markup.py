"""Words without what surrounds them: the tags and entities of HTML, the mentions of chat and goal tools.

Only what is surely markup is taken for it, so `p95 < 200 ms`, `x <y> z` and `R&D` stay as they are.
"""

import re
from html import unescape
from html.entities import html5
from typing import Literal

from okr_common.cleaning import clean

Markup = Literal["html", "mentions"]

_PASSES = 10
"""Markup may stand within markup (`&amp;lt;`); what is wrapped deeper than this was made to be."""
_LINES = (
    "address|article|aside|blockquote|br|caption|center|dd|details|div|dl|dt|figcaption|figure|footer|form|h[1-6]|header|hr|"
    "li|main|nav|ol|p|pre|section|summary|table|tbody|tfoot|thead|tr|ul"
)
_INLINE = (
    "a|abbr|at|b|big|body|button|cite|code|col|colgroup|data|del|dfn|em|font|head|html|i|img|input|ins|kbd|label|link|"
    "mark|meta|o:p|q|s|samp|small|span|strike|strong|sub|sup|t[dh]|time|title|tt|u|var|wbr"
)
_ATTRIBUTES = r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s<>"']+))*\s*"""
_TAG = re.compile(rf"<(/?)({_LINES}|{_INLINE}){_ATTRIBUTES}/?>", re.IGNORECASE)
_LINE = re.compile(_LINES, re.IGNORECASE)
_UNSEEN = re.compile(
    r"<!--(?:(?!<!--|-->).)*-->|<!doctype\b[^<>]*>|<(script|style)\b[^<>]*>(?:(?!</?\1\b).)*</\1\s*>",
    re.IGNORECASE | re.DOTALL,
)
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_BLANK_LINES = re.compile(r"[ \t\r]*\n\s*")

_NAME = r"[^\[\]<>|\n]{1,100}"
_MENTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"<(?:@!?|!subteam\^)\w{{1,40}}\|@?({_NAME})>"), r"@\1"),
    (re.compile(r"<(?:@!?(\w{1,40})|!(here|channel|everyone))>"), r"@\1\2"),
    (re.compile(rf"<#\w{{1,40}}\|({_NAME})>"), r"#\1"),
    (re.compile(r"<(?:https?://|mailto:)[^\s<>|]+\|([^<>|]+)>"), r"\1"),
    (re.compile(r"<(?:(https?://[^\s<>|]+)|mailto:([^\s<>|]+))>"), r"\1\2"),
    (re.compile(r"@\[([^\[\]:\n]{1,100})(?::[^\[\]\n]{0,200})?\](?:\([^()\s]{0,200}\))?"), r"@\1"),
    (re.compile(r"\[~(?:accountid:)?([A-Za-z0-9][\w.:@-]{1,127})\]"), r"@\1"),
)
"""Slack's people, groups, channels and links; the `@[name](id)` and `@[name:mail:id]` of others; Jira's `[~name]`."""
MARKED = r"[<&\[]"
"""Where a text has none of these, there is no markup in it."""


def unmarked(text: str, markup: Markup) -> str:
    r"""The words of a cleaned text, cleaned; blocks and breaks of HTML are lines, a mention is `@` and a name or id.

    Done again it changes nothing. Broken HTML is read as far as it is HTML.

    >>> unmarked('<p>Grow&nbsp;<b>fast</b></p><ul><li>p95 < 200 ms</li></ul> ask <@U7|ada>', "html")
    'Grow fast\n- p95 < 200 ms\nask @ada'
    """
    for _ in range(_PASSES):
        before = text
        text = _without_mentions(_without_html(text) if markup == "html" else text)
        if text == before:
            break
        text = clean(text).text
    return text


def _without_html(text: str) -> str:
    seen = _UNSEEN.sub("", text)
    words = _TAG.sub(_instead, seen)
    if words != text:
        words = _BLANK_LINES.sub("\n", words).strip()
    return _ENTITY.sub(_character, words)


def _character(entity: re.Match[str]) -> str:
    """Its whole name must be known: `html.unescape` would find `&not` in `&notes;`."""
    known = entity[0][1] == "#" or entity[0][1:] in html5
    return unescape(entity[0]) if known else entity[0]


def _instead(tag: re.Match[str]) -> str:
    closes, name = tag[1], tag[2].lower()
    if name == "li":
        return "\n" if closes else "\n- "
    if _LINE.fullmatch(name):
        return "\n"
    if name in ("td", "th"):
        return "" if closes else " "
    return "@" if name == "at" and not closes else ""


def _without_mentions(text: str) -> str:
    for pattern, words in _MENTIONS:
        text = pattern.sub(words, text)
    return text

"""Markup becomes words; what is no markup stays as it is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okr_common.cleaning import clean
from okr_etl.domain.markup import unmarked

HTML = {
    "<p>Grow</p>": "Grow",
    "<p>Grow</p><p>in Europe</p>": "Grow\nin Europe",
    "<p>Grow</p>\n\n  <p>in Europe</p>\n": "Grow\nin Europe",
    "Grow<br>in<br/>Europe<BR />soon": "Grow\nin\nEurope\nsoon",
    "<ul><li>one</li><li>two</li></ul>": "- one\n- two",
    "<h2>Why</h2>Because": "Why\nBecause",
    'see <a href="https://example.com/?a=1&amp;b=2" target=_blank>the plan</a>': "see the plan",
    "<b>bold</b> and <strong class='x y'>strong</strong>": "bold and strong",
    "<table><tr><th>Q1</th><th>Q2</th></tr><tr><td>1</td><td>2</td></tr></table>": "Q1 Q2\n1 2",
    "R&amp;D &lt;&nbsp;200&nbsp;ms": "R&D < 200 ms",
    "Gr&ouml;&szlig;e &#8364; &#x20AC;": "Gr\u00f6\u00dfe \u20ac \u20ac",
    "R&amp;amp;D": "R&D",  # escaped twice
    "&lt;p&gt;Grow&lt;/p&gt;": "Grow",  # escaped as a whole
    "<!-- draft --><p>Grow</p><script>alert('<p>')</script><style>p { }</style>": "Grow",
    "<!DOCTYPE html><html><head></head><body>Grow</body></html>": "Grow",
    "<p>p95 < 200 ms</p>": "p95 < 200 ms",
    "<p>a <b and c</p>": "a <b and c",
    '<p class="open>Grow</p>': '<p class="open>Grow',  # a quote that is never closed
    "<p>Grow": "Grow",
    "Grow</div></p>": "Grow",
    "<p><b>Grow</p></b>": "Grow",
    "<o:p>Grow</o:p>": "Grow",
    'ask <a data-asana-gid="7" data-asana-type="user">@Ada Lovelace</a>': "ask @Ada Lovelace",
    'ask <at id="0">Ada</at> and &lt;@U7|bob&gt;': "ask @Ada and @bob",
    "<p></p><p>&nbsp;</p>": "",
    "<p>\u200b</p>": "",
}
MENTIONS = {
    "ask <@U024BE7LH>": "ask @U024BE7LH",
    "ask <@U024BE7LH|ada>, <@U1|@bob> and <@!42>": "ask @ada, @bob and @42",
    "<!here> <!channel> <!subteam^S012|@growth>": "@here @channel @growth",
    "in <#C024BE7LR|general>": "in #general",
    "<https://example.com/a?b=1|the plan>": "the plan",
    "<https://example.com/a?b=1>": "https://example.com/a?b=1",
    "<mailto:ada@example.com|Ada>": "Ada",
    "<mailto:ada@example.com>": "ada@example.com",
    "@[Ada Lovelace](user:42) agrees": "@Ada Lovelace agrees",
    "@[Ada Lovelace:ada@example.com:42]": "@Ada Lovelace",
    "@[Ada]": "@Ada",
    "[~accountid:5b10a2844c20165700ede21g] agrees": "@5b10a2844c20165700ede21g agrees",
    "[~ada.lovelace]": "@ada.lovelace",
}
NO_MARKUP = [
    "p95 < 200 ms",
    "p95 <200ms",
    "a < b > c",
    "x <y> z",
    "x <y then z> w",
    "if a <b and c> d",
    "<- left, right ->",
    "<3 customers",
    "R&D",
    "AT&T; B&B",
    "&notes;",
    "?a=1&copy=2",
    "<generic<T>>",
    "Ada <ada@example.com>",
    "[1] and [x] and [~5 %]",
    "a@b.c",
    "@ada",
    "**bold** and # heading",
    "line\n  indented\n\n\nafter",
    "<<EOF",
    "<!5>",
    "\u4e2d\u6587 < \U0001f600",
]
PIECES = [
    *(
        "<",
        ">",
        "</",
        "/>",
        "&",
        ";",
        "&lt;",
        "&gt;",
        "&amp;",
        "&#60;",
        "&#x0;",
        "&nbsp;",
        "#",
        "!",
        "--",
        "p",
        "br",
        "li",
    ),
    *(
        "<p>",
        "</p>",
        "<br>",
        "<li>",
        "<b>",
        "<td>",
        "<a href='",
        "'",
        '"',
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "<at>",
    ),
    *("<@U1", "|", "@[", "]", "(", ")", "[~", "ada", ":", "<#C1|", "<https://x", " ", "\n", "=", "e\u0301", "\u200b"),
]
SOUP = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text()


@pytest.mark.parametrize("text", HTML)
def test_html(text: str) -> None:
    assert unmarked(text, "html") == HTML[text]


@pytest.mark.parametrize("text", MENTIONS)
def test_mentions_also_within_html(text: str) -> None:
    assert unmarked(text, "mentions") == unmarked(text, "html") == MENTIONS[text]


@pytest.mark.parametrize("text", NO_MARKUP)
def test_what_is_no_markup_stays(text: str) -> None:
    assert unmarked(text, "html") == unmarked(text, "mentions") == text


@pytest.mark.parametrize("text", ["<p>Grow</p>", "R&amp;D"])
def test_html_stays_where_only_mentions_are_looked_for(text: str) -> None:
    assert unmarked(text, "mentions") == text


@given(SOUP, st.sampled_from(["html", "mentions"]))
def test_any_soup_is_read_once_and_for_all_and_comes_out_clean(text: str, markup: str) -> None:
    words = unmarked(clean(text).text, markup)  # type: ignore[arg-type]
    assert unmarked(words, markup) == words  # type: ignore[arg-type]
    assert clean(words).text == words


@given(st.text(st.characters(exclude_characters="<&[")))
def test_a_text_without_markup_comes_out_unchanged(text: str) -> None:
    cleaned = clean(text).text
    assert unmarked(cleaned, "html") == unmarked(cleaned, "mentions") == cleaned


@given(st.lists(st.text("abc <5\u00e9", min_size=1).filter(lambda text: clean(text).text == text), min_size=1))
def test_lines_of_words_survive_being_written_as_html(lines: list[str]) -> None:
    written = "".join(f"<p>{line.replace('<', '&lt;')}</p>" for line in lines)
    assert unmarked(written, "html") == "\n".join(lines)


@pytest.mark.parametrize(
    "piece", ["<", "<p ", "<p a='", "&amp;", "&", "<!--", "<script>", "@[", "<@", "[~a", "<b>" * 3]
)
def test_a_large_cell_of_odd_ends_takes_no_time(piece: str) -> None:
    began = time.process_time()
    unmarked(piece * (300_000 // len(piece)), "html")
    assert time.process_time() - began < 5

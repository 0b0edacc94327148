"""The page opens anywhere, holds four pictures, and says plainly what cannot be told."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from okr_cli.evaluate.measures import MEASURES, verdicts
from okr_cli.evaluate.page import page
from okr_cli.evaluate.pictures import pictures
from okr_cli.evaluate.tables import by_group, by_measure

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("model", "class_prior", "meets_now")


def table(*, worse: tuple[str, ...] = (), auc: float | None = 0.8, names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    figures: dict[str, list[float | None]] = {one: [0.2, 0.1, 0.3] for one in MEASURES}
    figures["auc"] = [auc, None if auc is None else auc - 0.1, None if auc is None else auc + 0.1]
    against = {one: [0.1, 0.05, 0.2, "worse" if one in worse else "cannot tell"] for one in MEASURES}
    return {
        "n": 100,
        "key_results": 20,
        "achieved": 40,
        "ece_ceiling": 0.15,
        "predictors": dict.fromkeys(names, figures),
        "against": dict.fromkeys(names[1:], against),
    }


def lead(median: float | None) -> dict[str, Any]:
    ahead = {} if median is None else {"1": 0.9, "7": 0.6, "30": 0.2}
    return {"missed": 0 if median is None else 12, "alerts": 0.25, "median_days": [median] * 3, "ahead": ahead}


def evaluated(**groups: Any) -> dict[str, Any]:  # noqa: ANN401
    curve = {"so_far": [0.7, 0.6, 0.5], "lately": [0.7, 0.5, 0.4]}
    bins = [
        {"from": place / 10, "n": 10, "said": place / 10 + 0.05, "achieved": 0.3, "low": 0.1, "high": 0.5}
        for place in range(10)
    ]
    made: dict[str, Any] = {
        "all": table(),
        "window": {"n": 100, "of": 100},
        "by_source": {"jira": table()},
        "by_elapsed": {"up to 25 %": table(), "the rest": table()},
        "lead_time": {name: lead(14.0) for name in NAMES},
        "learning": {"window": 200, "outcomes": [1, 10, 20], "ended": [], "predictors": dict.fromkeys(NAMES, curve)},
        "calibration": {"ceiling": 0.15, "bins": bins},
    }
    return made | groups


def test_the_page_holds_four_pictures_and_asks_nobody_for_anything() -> None:
    text = page("a <b> & c", evaluated())
    body = ET.fromstring(text[text.index("<body>") : text.index("</html>")].strip())  # noqa: S314 - our own
    assert len(body.findall(f".//{SVG}svg")) == 4
    assert len(body.findall(f".//{SVG}circle")) == 10 + 2 * 3 + 3 * 3
    assert body.findtext("h1") == "a <b> & c"
    assert "<script" not in text
    assert "100 predictions of 20 key results" in text
    assert "100 predictions (the newest of 3,000) of" in page("a", evaluated(window={"n": 100, "of": 3_000}))
    assert text.count("http") == text.count('xmlns="http://www.w3.org/2000/svg"') == 4


@pytest.mark.parametrize("place", range(4))
def test_what_cannot_be_drawn_is_said_instead(place: int) -> None:
    few = evaluated(
        learning={
            "window": 200,
            "outcomes": [1],
            "ended": [],
            "predictors": {"model": {"so_far": [0.7], "lately": []}},
        },
        calibration=None,
        by_elapsed={"up to 25 %": table(auc=None)},
        lead_time={"model": lead(None)},
    )
    assert list(pictures(few))[place].svg == ""
    assert page("few", few).count("too few outcomes to draw") == 4


def test_a_rule_that_is_better_is_named_with_its_group() -> None:
    said = verdicts(evaluated(by_elapsed={"the rest": table(worse=("auc", "log_loss"))}))
    assert said[:2] == [
        "the rest: class prior is better than the model by log loss, AUC",
        "the rest: meets now is better than the model by log loss, AUC",
    ]
    assert "within" not in said[2]


def test_the_table_marks_who_is_better_and_leaves_out_who_said_nothing() -> None:
    said = evaluated(all=table(worse=("auc",)), by_elapsed={"up to 25 %": table(names=NAMES[:2])})
    grid = by_measure(said)
    assert grid.headings == ["measure", "model", "interval", "class prior", "meets now"]
    assert grid.rows[0] == ["AUC", "0.800", "0.700-0.900", "0.800 -", "0.800 -"]
    assert grid.rows[-2] == ["lead time, median days", "14", "14-14", "14", "14"]
    assert [row[-1] for row in by_group(said).rows] == ["0.200  ", "-"]


def test_sources_are_shown_where_there_are_several() -> None:
    assert [row[0] for row in by_group(evaluated()).rows] == ["all", "up to 25 %", "the rest"]
    two = evaluated(by_source={"a": table(), "b": table()})
    assert [row[0] for row in by_group(two).rows] == ["all", "a", "b", "up to 25 %", "the rest"]

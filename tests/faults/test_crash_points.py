"""kill -9 at every named point of every service: restarted by the supervisor, nothing is lost, nothing is there twice.

Each case survives the crash its name says, and fails when its point was never reached.
"""

import pytest

from okr_cli.testing import Flow, Published

SERVICES = ("ingest-csv", "etl", "trainer")
POINTS = ("after_copy", "before_commit", "after_commit", "between_acknowledgement_and_mark")
SHORT = {
    ("ingest-csv", "after_copy"),
    ("etl", "before_commit"),
    ("trainer", "after_commit"),
    ("etl", "between_acknowledgement_and_mark"),
}
YEARS = (2008, 2009)
CASES = [
    pytest.param((service, point), id=f"{service}-{point}", marks=() if (service, point) in SHORT else pytest.mark.long)
    for service in SERVICES
    for point in POINTS
]


@pytest.mark.stack
@pytest.mark.faults
@pytest.mark.timeout(180)
@pytest.mark.parametrize("case", CASES)
async def test_a_crash_there_loses_and_doubles_nothing(
    flow: Flow, published: Published, tmp_path_factory: pytest.TempPathFactory, case: tuple[str, str]
) -> None:
    service, point = case
    reached = tmp_path_factory.mktemp("crash") / "reached"
    crash = {"OKR_CRASH_AT": point, "OKR_CRASH_REACHED": str(reached)}
    with flow.stack.supervised(SERVICES) as stack:
        stack.want({name: flow.stack.defaults() | (crash if name == service else {}) for name in SERVICES})
        for year in YEARS:
            flow.drop(f"{year}.csv", published.encoded(published.of_years(year)))
        await flow.predicted(len(published.of_years(*YEARS)))
    assert reached.read_text() == point
    assert await flow.wrong() == []

from datetime import UTC, datetime, timedelta

from okr_common import codec
from okr_common.events import AlertResolved, FileDone, ReportMade
from okr_common.topics import INGESTION_EVENTS, MONITORING_EVENTS, TOPICS
from okr_monitor.domain.live_view import KEPT, SENTENCES, LiveView, is_ours_alone, sentence, short

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def done(number: int) -> FileDone:
    return FileDone(source="mta", file_id=number, rows=10, unreadable=1, batches=1)


def test_an_event_becomes_a_sentence() -> None:
    assert sentence(done(7)) == "file 7 of mta stored: 10 rows, 1 unreadable"
    one = done(8).model_copy(update={"rows": 1, "unreadable": 0})
    assert sentence(one) == "file 8 of mta stored: 1 row, 0 unreadable"
    assert sentence(AlertResolved(about="etl", alert_id=1, rule="lag")) == "alert resolved: lag of etl"


def test_every_event_has_a_sentence_of_fields_it_has() -> None:
    for ce_type, event in codec.EVENT_TYPES.items():
        if ce_type in SENTENCES:
            fields = {name: 1 if field.annotation is int else "x" for name, field in event.model_fields.items()}
            nothing = event.model_construct(None, **fields)
            assert "x" in sentence(nothing)
        else:
            assert short(ce_type) == "run_step_ended", f"{ce_type} has no sentence"


def test_the_view_is_bounded_and_shows_the_newest_first() -> None:
    view = LiveView()
    for number in range(KEPT + 10):
        view.hear(done(number), NOW + timedelta(seconds=number))
    assert len(view.recent) == KEPT
    assert view.recent[0].at == NOW + timedelta(seconds=KEPT + 9)
    assert view.heard == {INGESTION_EVENTS.name: KEPT + 10}


def test_only_topics_that_nobody_else_reads_are_ours_to_clear() -> None:
    alone = {name for name, topic in TOPICS.items() if is_ours_alone(topic)}
    assert alone == {"okr_model_events", MONITORING_EVENTS.name}
    assert ReportMade.topic is MONITORING_EVENTS

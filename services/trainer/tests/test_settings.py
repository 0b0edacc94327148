"""Settings: errors teach."""

import pytest
from pydantic import ValidationError

from okr_trainer.settings import TrainerSettings


def test_a_source_is_its_own_model_unless_named() -> None:
    settings = TrainerSettings(models={"everything": ["jira", "asana"]})
    assert (settings.model_of("jira"), settings.model_of("mta_nyct")) == ("everything", "mta_nyct")
    assert (settings.sources_of("everything"), settings.sources_of("mta_nyct")) == (["jira", "asana"], ["mta_nyct"])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"pipeline": "forest"}, "known are linear, linear_newton, linear_sgd, newton"),
        ({"high_risk_below": 0.7}, "give both high_risk_below and medium_risk_below, or neither"),
        ({"high_risk_below": 0.7, "medium_risk_below": 0.6}, "high_risk_below must not be above medium_risk_below"),
        ({"models": {"a": ["s"], "b": ["s"]}}, "a source can belong to one model only"),
    ],
)
def test_wrong_settings_say_what_is_right(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TrainerSettings(**wrong)  # type: ignore[arg-type]

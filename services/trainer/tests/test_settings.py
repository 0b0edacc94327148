"""Settings: errors teach."""

import pytest
from pydantic import ValidationError

from okr_trainer.settings import TrainerSettings


def test_a_source_is_its_own_model_unless_named() -> None:
    settings = TrainerSettings(models={"everything": ["jira", "asana"]})
    assert (settings.model_of("jira"), settings.model_of("mta_nyct")) == ("everything", "mta_nyct")
    assert (settings.sources_of("everything"), settings.sources_of("mta_nyct")) == (["jira", "asana"], ["mta_nyct"])


def test_each_model_may_have_pipelines_of_its_own_and_roles_change() -> None:
    own = {"jira": {"champion": "linear", "challengers": ["newton"]}, "alone": {"champion": "linear"}}
    settings = TrainerSettings(pipeline="newton", challengers=["linear_newton"], pipelines=own)  # type: ignore[arg-type]
    assert settings.in_shadow_of("mta_nyct", "newton") == ["linear_newton"]
    assert settings.in_shadow_of("mta_nyct", "linear_newton") == ["newton"]
    assert settings.in_shadow_of("jira", "linear") == ["newton"]
    assert settings.in_shadow_of("alone", "newton") == []
    assert (settings.trained_as("mta_nyct", None), settings.trained_as("jira", "newton")) == ("newton", "newton")
    assert settings.trained_as("alone", "newton") == "linear"
    assert (settings.has_challengers, TrainerSettings().has_challengers) == (True, False)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            {"pipeline": "woods"},
            "known are ensemble, forest, hoeffding_tree, linear, linear_newton, linear_sgd, newton, pace_newton",
        ),
        ({"high_risk_below": 0.7}, "give both high_risk_below and medium_risk_below, or neither"),
        ({"high_risk_below": 0.7, "medium_risk_below": 0.6}, "high_risk_below must not be above medium_risk_below"),
        ({"challengers": ["woods"]}, "no pipeline is called 'woods'"),
        ({"pipeline": "newton", "challengers": ["newton"]}, "each pipeline can be named once only"),
        ({"pipelines": {"a": {"champion": "linear", "challengers": ["newton", "newton"]}}}, "once only"),
        ({"models": {"a": ["s"], "b": ["s"]}}, "a source can belong to one model only"),
    ],
)
def test_wrong_settings_say_what_is_right(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        TrainerSettings(**wrong)  # type: ignore[arg-type]

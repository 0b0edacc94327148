"""The trainer's settings: group `trainer` of pipeline_config.json, OKR_TRAINER__<FIELD>."""

from typing import Self

from pydantic import Field, model_validator

from okr_common.settings import Group, ServiceSettings
from okr_trainer.domain.pipeline import BUILDERS
from okr_trainer.domain.risk import CutPoints


class TrainerSettings(Group):
    """How models are made and read."""

    models: dict[str, list[str]] = Field(
        default={}, description="model: its sources; a source that is not named is its own model"
    )
    pipeline: str = Field("newton", description="the champion's pipeline, by its builder's name")
    high_risk_below: float = Field(0.3, gt=0, lt=1, description="probabilities below this are high risk")
    medium_risk_below: float = Field(0.6, gt=0, lt=1, description="below this medium, the rest low")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.pipeline not in BUILDERS:
            raise ValueError(f"no pipeline is called {self.pipeline!r}; known are {', '.join(sorted(BUILDERS))}")
        if self.high_risk_below > self.medium_risk_below:
            raise ValueError("high_risk_below must not be above medium_risk_below")
        named = [source for sources in self.models.values() for source in sources]
        if len(named) != len(set(named)):
            raise ValueError("a source can belong to one model only")
        return self

    @property
    def cut_points(self) -> CutPoints:
        """The risk bands."""
        return CutPoints(self.high_risk_below, self.medium_risk_below)

    def model_of(self, source: str) -> str:
        """The model that serves this source."""
        return next((model for model, sources in self.models.items() if source in sources), source)

    def sources_of(self, model: str) -> list[str]:
        """The sources this model serves."""
        return self.models.get(model, [model])


class Settings(ServiceSettings):
    """All the trainer reads."""

    trainer: TrainerSettings = TrainerSettings()

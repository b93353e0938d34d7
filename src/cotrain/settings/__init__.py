"""params.yaml as typed, frozen settings; errors name the key and what it may be."""

from cotrain.settings._load import load_settings
from cotrain.settings._models import (
    AffinitySettings,
    AnalyzeSettings,
    AugmentationSettings,
    GroupSettings,
    LabelSettings,
    PlanSettings,
    PrepareSettings,
    Score,
    Settings,
    SubsetSettings,
    TaskLabels,
    TrainSettings,
    TuneSettings,
    ValidateSettings,
)
from cotrain.settings._section import Choice, Count, Section, Seed, section_of, within

__all__ = [
    "AffinitySettings",
    "AnalyzeSettings",
    "AugmentationSettings",
    "Choice",
    "Count",
    "GroupSettings",
    "LabelSettings",
    "PlanSettings",
    "PrepareSettings",
    "Score",
    "Section",
    "Seed",
    "Settings",
    "SubsetSettings",
    "TaskLabels",
    "TrainSettings",
    "TuneSettings",
    "ValidateSettings",
    "load_settings",
    "section_of",
    "within",
]

"""params.yaml as typed, frozen settings; errors name the key and what it may be."""

from cotrain.settings._load import load_settings
from cotrain.settings._models import (
    AffinitySettings,
    AnalyzeSettings,
    AugmentationSettings,
    CsvSource,
    FetchSettings,
    FingerprintSettings,
    GroupSettings,
    KibaSource,
    LabelSettings,
    MoleculeAceSource,
    PlanSettings,
    PrepareSettings,
    Score,
    Settings,
    SubsetSettings,
    SyntheticSource,
    TrainSettings,
    ValidateSettings,
)
from cotrain.settings._section import Count, Section, section_of

__all__ = [
    "AffinitySettings",
    "AnalyzeSettings",
    "AugmentationSettings",
    "Count",
    "CsvSource",
    "FetchSettings",
    "FingerprintSettings",
    "GroupSettings",
    "KibaSource",
    "LabelSettings",
    "MoleculeAceSource",
    "PlanSettings",
    "PrepareSettings",
    "Score",
    "Section",
    "Settings",
    "SubsetSettings",
    "SyntheticSource",
    "TrainSettings",
    "ValidateSettings",
    "load_settings",
    "section_of",
]

from ._load import load_settings as load_settings, read_yaml as read_yaml
from ._models import (
    AffinitySettings as AffinitySettings,
    AnalyzeSettings as AnalyzeSettings,
    AugmentationSettings as AugmentationSettings,
    GroupSettings as GroupSettings,
    LabelSettings as LabelSettings,
    PlanSettings as PlanSettings,
    PrepareSettings as PrepareSettings,
    Score as Score,
    Settings as Settings,
    SubsetSettings as SubsetSettings,
    TaskLabels as TaskLabels,
    TrainSettings as TrainSettings,
    TuneSettings as TuneSettings,
    ValidateSettings as ValidateSettings,
    minutes as minutes,
)
from ._section import (
    Choice as Choice,
    Count as Count,
    Section as Section,
    Seed as Seed,
    within as within,
)

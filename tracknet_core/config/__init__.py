"""From an experiment file to one resolved, validated configuration."""

from tracknet_core.config.experiment import (
    DEFAULT,
    Experiment,
    default_of,
    default_section,
    known_shorthands,
    load_config,
    load_data,
    parse_component,
    parse_config,
    read_settings,
)
from tracknet_core.config.plugin_files import import_plugins
from tracknet_core.config.sections import (
    SECTIONS,
    Cache,
    Config,
    DataConfig,
    Loader,
    ModelConfig,
    Preprocess,
    Sampling,
    Sequences,
    TrackerConfig,
    TrainingConfig,
)
from tracknet_core.config.shipped import experiment_file, shipped_experiments, shipped_folder

__all__ = [
    "DEFAULT",
    "SECTIONS",
    "Cache",
    "Config",
    "DataConfig",
    "Experiment",
    "Loader",
    "ModelConfig",
    "Preprocess",
    "Sampling",
    "Sequences",
    "TrackerConfig",
    "TrainingConfig",
    "default_of",
    "default_section",
    "experiment_file",
    "import_plugins",
    "known_shorthands",
    "load_config",
    "load_data",
    "parse_component",
    "parse_config",
    "read_settings",
    "shipped_experiments",
    "shipped_folder",
]

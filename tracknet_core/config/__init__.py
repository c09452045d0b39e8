"""From an experiment file to one resolved, validated configuration."""

from tracknet_core.config.experiment import (
    DEFAULT as DEFAULT,
    Experiment as Experiment,
    default_of as default_of,
    default_section as default_section,
    known_shorthands as known_shorthands,
    load_config as load_config,
    load_data as load_data,
    parse_component as parse_component,
    parse_config as parse_config,
    read_settings as read_settings,
)
from tracknet_core.config.plugin_files import (
    import_plugins as import_plugins,
)
from tracknet_core.config.sections import (
    SECTIONS as SECTIONS,
    Cache as Cache,
    Config as Config,
    DataConfig as DataConfig,
    Loader as Loader,
    ModelConfig as ModelConfig,
    Preprocess as Preprocess,
    Sampling as Sampling,
    Sequences as Sequences,
    TrackerConfig as TrackerConfig,
    TrainingConfig as TrainingConfig,
)
from tracknet_core.config.shipped import (
    experiment_file as experiment_file,
    shipped_experiments as shipped_experiments,
    shipped_folder as shipped_folder,
)

"""Training: from a configuration to Lightning's trainer, the folders of runs, and what is told of them."""

from tracknet_core.training.experiment import train_experiment
from tracknet_core.training.learning_rates import RateTest, find_learning_rate
from tracknet_core.training.runs import find_checkpoint
from tracknet_core.training.summary import count_flops, describe, figures
from tracknet_core.training.trainer import Prepared, Trained, prepare, train

__all__ = [
    "Prepared",
    "RateTest",
    "Trained",
    "count_flops",
    "describe",
    "figures",
    "find_checkpoint",
    "find_learning_rate",
    "prepare",
    "train",
    "train_experiment",
]

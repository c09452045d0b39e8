"""The commands of ``tracknet``: a line for each, and the module that is its door."""

from __future__ import annotations

from typing import NamedTuple

from tracknet_core.errors import did_you_mean


class Command(NamedTuple):
    """A command of ``tracknet``.

    Attributes:
        module: the module with its function ``main(arguments) -> exit code``.
        purpose: one line for the help.
        function: the function, where a module is the door of several commands.
    """

    module: str
    purpose: str
    function: str = "main"


COMMANDS = {
    "run": Command("tracknet_core.run", "train a ball tracker from an experiment file"),
    "lr-find": Command("tracknet_core.lr_find", "a learning rate to train with, from a short test at many"),
    "predict": Command("tracknet_core.predict", "find the ball in videos: rows of places, and pictures that show them"),
    "evaluate": Command("tracknet_core.scores", "score a checkpoint, or any predictions, under published rules"),
    "compare": Command("tracknet_core.compare", "train experiments for the same time, and put them in one table"),
    "export": Command("tracknet_core.export", "write a trained network as a file that runs without tracknet"),
    "adapt": Command("tracknet_core.halls", "learn a hall from video of it that nobody labelled"),
    "publish": Command("tracknet_core.publish", "write a trained network as a folder that others may have"),
    "convert": Command("tracknet_core.convert", "turn weights that others publish into a checkpoint"),
    "data": Command("tracknet_core.data_sets", "check, preview, count, convert or split a data set"),
    "experiments": Command("tracknet_core.experiment_files", "the experiments that come with it", "list_experiments"),
    "copy": Command("tracknet_core.experiment_files", "an experiment as a file of your own", "copy_experiment"),
    "schema": Command("tracknet_core.experiment_files", "the JSON Schema of experiment files", "write_schema"),
    "list": Command("tracknet_core.plugins", "the parts that are installed, of every kind", "list_parts"),
    "show": Command("tracknet_core.plugins", "what a part is, its parameters, and how to name it", "show_part"),
    "check": Command("tracknet_core.packages", "whether parts keep the contract of their kind", "check_parts"),
    "new": Command("tracknet_core.packages", "a small package with a part of your own", "new_package"),
    "models": Command("tracknet_core.plugins", "the trained networks that are installed", "list_models"),
    "info": Command("tracknet_core.info", "versions, devices and codecs: what a bug report needs"),
}


def unknown(name: str, known: dict[str, Command] | dict[str, str]) -> str:
    """Return the message for a command that does not exist: the nearest, and all."""
    return f"no command '{name}'.{did_you_mean(name, known)} Known: {', '.join(known)}."

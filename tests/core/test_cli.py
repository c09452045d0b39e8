"""The console script, and how commands end."""

import errno
import importlib
import os
import shlex
import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace

import pytest

from tracknet_core import cli
from tracknet_core.doors import Command
from tracknet_core.errors import ConfigError, DataError


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help_lists_the_commands(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("example: tracknet run ")
    assert "\nusage: tracknet COMMAND" in printed
    for name, command in cli.COMMANDS.items():
        assert f"  {name} " in printed
        assert command.purpose in printed


def test_help_imports_neither_torch_nor_a_command() -> None:
    code = (
        "import sys; from tracknet_core import cli; cli.main(['--help']); "
        "modules = {command.module for command in cli.COMMANDS.values()}; "
        "sys.exit(', '.join(sys.modules.keys() & {'torch', 'lightning', 'numpy', *modules}) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_command_answers_with_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rnu"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"error: no command 'rnu'. Did you mean 'run'? Known: {', '.join(cli.COMMANDS)}.\n"


def test_nothing_is_near_to_a_command_of_another_world(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["xyzzy"]) == 2
    assert capsys.readouterr().err == f"error: no command 'xyzzy'. Known: {', '.join(cli.COMMANDS)}.\n"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"tracknet {version('tracknet')}\n"


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_the_help_of_a_command_begins_with_an_example_that_it_understands(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main([name, "--help"])
    example, empty, usage, *_ = capsys.readouterr().out.splitlines()
    assert example.startswith(f"example: tracknet {name} ")
    assert empty == ""
    assert usage.startswith(f"usage: tracknet {name} ")
    door = importlib.import_module(cli.COMMANDS[name].module)
    monkeypatch.setattr(door, "guarded", lambda command: 0)  # parse it, and do nothing
    assert cli.main(shlex.split(example.removeprefix("example: tracknet "))) == 0


def test_a_command_gets_the_other_arguments_and_gives_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[list[str]] = []
    module = SimpleNamespace(main=lambda arguments: got.append(arguments) or 7)
    monkeypatch.setitem(sys.modules, "tracknet_core.nothing", module)  # type: ignore[misc]
    monkeypatch.setitem(cli.COMMANDS, "train_nothing", Command("tracknet_core.nothing", "does nothing"))
    assert cli.main(["train_nothing", "a.yaml", "--seed", "3"]) == 7
    assert got == [["a.yaml", "--seed", "3"]]


def test_every_command_is_a_module_of_the_core() -> None:
    for command in cli.COMMANDS.values():
        assert command.module.startswith("tracknet_core.")
        assert callable(getattr(importlib.import_module(command.module), command.function))


def test_a_mistake_of_the_users_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise DataError("labels.csv:3: no number. Write one.")

    assert cli.guarded(command) == 2
    assert capsys.readouterr().err == "error: labels.csv:3: no number. Write one.\n"


def test_several_mistakes_stand_in_lines_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise ConfigError(["a: wrong.", "b: wrong too."])

    assert cli.guarded(command) == 2
    assert capsys.readouterr().err == "error: \n  a: wrong.\n  b: wrong too.\n"


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        (errno.ENOSPC, None, "an output: cannot be written (No space left on device)."),
        (errno.EROFS, "out/a.csv", "out/a.csv: cannot be written (Read-only file system)."),
        (errno.EACCES, "out/a.csv", "out/a.csv: cannot be written (Permission denied)."),
    ],
)
def test_a_full_or_closed_disk_is_one_message(
    code: int, name: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> int:
        raise OSError(code, os.strerror(code), name)

    assert cli.guarded(command) == 2
    assert capsys.readouterr().err.startswith(f"error: {message} What was complete before is whole")


def test_other_faults_of_the_system_are_a_traceback() -> None:
    def command() -> int:
        raise OSError(errno.EIO, "broken")

    with pytest.raises(OSError, match="broken"):
        cli.guarded(command)


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise KeyboardInterrupt

    assert cli.guarded(command) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_fault_in_the_program_is_a_traceback() -> None:
    def command() -> int:
        raise RuntimeError("a fault in the program")

    with pytest.raises(RuntimeError, match="a fault in the program"):
        cli.guarded(command)


def test_what_a_command_returns_is_the_exit_code() -> None:
    assert cli.guarded(lambda: 5) == 5

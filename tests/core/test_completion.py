"""What a shell offers when TAB is pressed."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import argcomplete
import pytest

from tracknet_core.completion import complete
from tracknet_core.config import shipped_experiments
from tracknet_core.doors import COMMANDS
from tracknet_core.registry import REGISTRIES


class Ended(Exception):  # noqa: N818
    pass


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(argcomplete.CompletionFinder, "_init_debug_stream", lambda self: None)  # it leaves one open

    def press_tab(line: str) -> set[str]:
        monkeypatch.setenv("_ARGCOMPLETE", "1")
        monkeypatch.setenv("_ARGCOMPLETE_IFS", "\n")
        monkeypatch.setenv("COMP_LINE", line)
        monkeypatch.setenv("COMP_POINT", str(len(line)))
        stream = StringIO()

        def end(code: int) -> None:
            raise Ended

        with pytest.raises(Ended):
            complete(line, output_stream=stream, exit_method=end)
        return {text.strip() for text in stream.getvalue().split("\n") if text.strip()}

    return press_tab


def test_commands_are_offered(offered) -> None:  # type: ignore[no-untyped-def]
    assert offered("tracknet ") == {*COMMANDS}
    assert offered("tracknet ex") == {"experiments", "export"}


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("tracknet list ", set(REGISTRIES)),
        ("tracknet show backbones ", set(REGISTRIES["backbones"].names())),
        ("tracknet check tr", {"transforms", "trackers"}),
        ("tracknet check mergers m", {"mean"}),
        ("tracknet run vit", {"vit", "vit_long"}),
        ("tracknet copy wa", {"wasb"}),
        ("tracknet predict best.ckpt match.mp4 --tracker ka", {"kalman"}),
        ("tracknet predict best.ckpt match.mp4 --format js", {"jsonl"}),
        ("tracknet export best.ckpt --format on", {"onnx"}),
        ("tracknet evaluate best.ckpt --protocol was", {"wasb"}),
        ("tracknet run vit --model vit", {"vit_heatmap"}),
        ("tracknet data ch", {"check"}),
        ("tracknet data convert --to ten", {"tennis"}),
        ("tracknet schema --gr", {"--group"}),
        ("tracknet info --js", {"--json"}),
    ],
)
def test_names_and_options_are_offered(line: str, names: set[str], offered) -> None:  # type: ignore[no-untyped-def]
    assert offered(line) == names


def test_files_are_offered_beside_experiments(offered, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "vision.yaml").touch()
    (tmp_path / "video.mp4").touch()
    assert offered("tracknet run vi") == {"vit", "vit_long", "vision.yaml"}
    assert {*shipped_experiments()} < offered("tracknet run ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_completed(name: str, offered) -> None:  # type: ignore[no-untyped-def]
    assert offered(f"tracknet {name} -" if name != "data" else "tracknet data check -") >= {"--help"}


def test_the_script_answers_a_shell_without_torch() -> None:
    line = "tracknet show codecs "
    told = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": " "}
    code = (
        "import os, sys; os.dup2(1, 8); from tracknet_core import cli\n"
        "import atexit; atexit.register(lambda: 'torch' in sys.modules and os._exit(3))\n"
        "cli.main([])"
    )
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **told}, capture_output=True, check=False)
    assert done.stdout.split() == [name.encode() for name in REGISTRIES["codecs"].names()]

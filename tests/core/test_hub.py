"""Networks to and from a repository of Hugging Face, against a stand-in that answers what it answers."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.utils import logging as hub_logging

from tracknet_core import load, publish
from tracknet_core.assembly import build_model, load_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config
from tracknet_core.errors import CheckpointError, ConfigError, DataError
from tracknet_core.hub import fetch, upload
from tracknet_core.model_folder import CARD, CONFIG, WEIGHTS, is_model_folder
from tracknet_core.tracking.networks import network_and_videos, network_path

COMMIT = "a" * 40
ADDRESS = "hf://me/ball"


class StandIn(ThreadingHTTPServer):
    """What the hub says to those who read and write models: one commit, on one branch."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.files: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.asked: list[str] = []
        self.may_write = True


class Answers(BaseHTTPRequestHandler):
    """One request."""

    server: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        match self.path.split("?")[0].strip("/").split("/"):
            case [owner, name, "resolve", revision, *path] if f"{owner}/{name}" in self.server.files:
                self.file(self.server.files[f"{owner}/{name}"], revision, "/".join(path))
            case ["api", "models", owner, name, *_] if f"{owner}/{name}" in self.server.files:
                self.answer({"id": f"{owner}/{name}", "sha": COMMIT, "siblings": [], "private": False, "tags": []})
            case ["api", "agent-harnesses"]:
                self.answer({})
            case _:
                self.refuse(404, "RepoNotFound")

    def file(self, files: dict[str, bytes], revision: str, path: str) -> None:
        self.server.asked.append(path)
        if revision not in ("main", COMMIT):
            self.refuse(404, "RevisionNotFound")
        elif path not in files:
            self.refuse(404, "EntryNotFound")
        else:
            tag = hashlib.sha256(files[path]).hexdigest()
            self.answer(files[path], {"X-Repo-Commit": COMMIT, "ETag": f'"{tag}"'})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.path.split("?")[0].strip("/").split("/"):
            case ["api", "repos", "create"] if self.server.may_write:
                asked = json.loads(body)
                repository = f"{asked['organization']}/{asked['name']}"
                self.server.files.setdefault(repository, {})
                self.server.private[repository] = asked.get("private") or asked.get("visibility") == "private"
                self.answer({"url": f"{self.server.url}/{repository}"})
            case ["api", "validate-yaml"]:
                self.answer({"errors": [], "warnings": []})
            case ["api", "models", _, _, "preupload", _]:
                paths = [file["path"] for file in json.loads(body)["files"]]
                modes = [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]
                self.answer({"files": modes})
            case ["api", "models", owner, name, "commit", _]:
                for line in map(json.loads, body.splitlines()):
                    if line["key"] == "file":
                        content = base64.b64decode(line["value"]["content"])
                        self.server.files[f"{owner}/{name}"][line["value"]["path"]] = content
                url = f"{constants.ENDPOINT}/{owner}/{name}/commit/{COMMIT}"
                self.answer({"commitUrl": url, "commitOid": COMMIT, "success": True, "pullRequestUrl": None})
            case _:
                self.refuse(403, "Forbidden")

    def refuse(self, code: int, reason: str) -> None:
        self.answer({"error": reason}, {"X-Error-Code": reason, "X-Repo-Commit": COMMIT}, code)

    def answer(self, content: Any, headers: dict[str, str] | None = None, code: int = 200) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    server = StandIn()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_TOKEN", "hf_nobody")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_XET_CACHE", str(tmp_path / "xet"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    hub_logging.set_verbosity_error()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def checkpoint(config: Config, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    state = {f"model.{key}": value for key, value in build_model(config).state_dict().items()}
    torch.save({"state_dict": state, **describe(config.as_dict())}, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt"


def test_a_network_goes_there_and_comes_back(
    hub: StandIn, checkpoint: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert publish.main([str(checkpoint), "--to", ADDRESS, "--private"]) == 0

    assert capsys.readouterr().out == f"{hub.url}/me/ball\n"
    assert sorted(hub.files["me/ball"]) == sorted([WEIGHTS, CONFIG, CARD])
    assert hub.private == {"me/ball": True}
    assert hub.files["me/ball"][CARD].decode().startswith(f"# {ADDRESS}\n")
    folder = fetch(ADDRESS)
    assert fetch(Path(ADDRESS)) == folder  # whose two slashes have become one
    assert is_model_folder(folder)
    assert CARD not in hub.asked  # nothing but what is needed
    frames = torch.randint(0, 256, (1, 3, 3, 48, 64), dtype=torch.uint8)
    (_, network), (_, again) = load_model(checkpoint), load_model(folder)
    torch.testing.assert_close(again.eval()(frames), network.eval()(frames), rtol=0, atol=0)
    assert repr(load(ADDRESS, device="cpu")).startswith(f"<Predictor {ADDRESS}: 3 frames of 64x48")
    assert network_and_videos([ADDRESS, "a.mp4"], None) == (folder, ["a.mp4"])
    assert network_and_videos(["a.mp4"], ADDRESS) == (folder, ["a.mp4"])


def test_a_folder_is_kept_where_somebody_names_one(hub: StandIn, checkpoint: Path, tmp_path: Path) -> None:
    assert publish.main([str(checkpoint), "--to", ADDRESS, "--output", str(tmp_path / "kept")]) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()} == hub.files["me/ball"]


def test_a_graph_beside_the_weights_is_fetched_with_them(hub: StandIn) -> None:
    hub.files["me/ball"] = {WEIGHTS: b"weights", CONFIG: b"config", "network.onnx": b"graph", "network.pt2": b"code"}
    folder = network_path(ADDRESS)
    assert (folder / "network.onnx").read_bytes() == b"graph"
    assert "network.pt2" not in hub.asked


def test_what_was_fetched_needs_no_network(
    hub: StandIn, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.files["me/ball"] = {WEIGHTS: b"weights", CONFIG: b"config"}
    folder = fetch(ADDRESS)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch(ADDRESS) == folder
    assert fetch(f"{ADDRESS}@{COMMIT}") == folder
    with pytest.raises(CheckpointError, match=r"hf://me/other: cannot be reached, and has not been fetched before"):
        fetch("hf://me/other")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://me/nothing", "there is no such repository, or you may not see it.*HF_TOKEN"),
        (f"{ADDRESS}@v9", "no such branch, tag or commit"),
        ("hf://me/text", f"holds no {WEIGHTS} and {CONFIG}"),
    ],
)
def test_what_is_not_there_is_told(hub: StandIn, address: str, message: str) -> None:
    hub.files |= {"me/ball": {WEIGHTS: b"", CONFIG: b""}, "me/text": {CARD: b"", "model.ckpt": b"pickled"}}
    with pytest.raises(CheckpointError, match=message):
        fetch(address)


@pytest.mark.parametrize("address", ["hf://", "hf://ball", "hf://me/ball/x", "hf://me/../ball", "hf://me/.ball."])
def test_what_is_no_address_is_told(hub: StandIn, address: str) -> None:
    with pytest.raises(ConfigError, match="no address of a repository"):
        fetch(address)


def test_a_repository_that_may_not_be_written_is_told(hub: StandIn, tmp_path: Path) -> None:
    hub.may_write = False
    with pytest.raises(DataError, match=r"said no: .*HF_TOKEN"):
        upload(tmp_path, ADDRESS)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ConfigError, match=r"pip install 'tracknet\[huggingface\]'"):
        fetch(ADDRESS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--output: where to?"),
        (["--private", "--output", "x"], "--private: is for repositories"),
        (["--to", "me/ball"], "me/ball: no address of a repository"),
    ],
)
def test_where_to_publish_has_to_be_clear(
    checkpoint: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish.main([str(checkpoint), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_configuration_from_there_imports_nothing(hub: StandIn, checkpoint: Path, tmp_path: Path) -> None:
    assert publish.main([str(checkpoint), "--to", ADDRESS]) == 0
    (tmp_path / "bad.py").write_text("raise SystemExit('ran')")
    config = hub.files["me/ball"][CONFIG].decode()
    hub.files["me/ball"][CONFIG] = config.replace("plugins: []", f"plugins: [{tmp_path / 'bad.py'}]").encode()
    assert b"bad.py" in hub.files["me/ball"][CONFIG]
    load(ADDRESS, device="cpu")  # its parts are known, so that no plugin is needed

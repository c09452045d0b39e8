"""Trained networks in repositories of Hugging Face: ``hf://owner/name``, each with the files of :mod:`.model_folder`.

What comes from there is not trusted: only the weights as safetensors and the configuration are fetched, which hold no
code, and what the caller names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tracknet_core.errors import CheckpointError, ConfigError, DataError
from tracknet_core.model_folder import CONFIG, WEIGHTS

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SCHEME = "hf://"

_FORM = re.compile(rf"{SCHEME}(?P<repository>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w./-]+))?/?")


class _Address(NamedTuple):
    repository: str
    revision: str | None


def is_hub_address(text: str | Path) -> bool:
    """Return whether a text, or a path that was made of one, is meant to be the address of a repository."""
    return _written(text).startswith(SCHEME)


def fetch(address: str | Path, *, beside: Sequence[str] = ()) -> Path:
    """Return the folder of a network, where its files lie once they have been fetched.

    Args:
        address: ``hf://owner/name``; ``hf://owner/name@revision`` for a branch, a tag or a commit.
        beside: names of further files that are fetched if the repository has them.

    Raises:
        CheckpointError: no such repository or revision, it holds no network of tracknet, or it cannot be reached and
            has not been fetched before.
        ConfigError: no address, or the package huggingface_hub is missing.
    """
    address = _written(address)
    repository, revision = _parsed(address)
    api = _api(address)
    with _told(address, CheckpointError):
        config = Path(api.hf_hub_download(repository, CONFIG, revision=revision))
        # Of the same state, whatever is pushed meanwhile: files lie in a folder that is called as their commit.
        commit = config.parent.name
        weights = Path(api.hf_hub_download(repository, WEIGHTS, revision=commit))
        for name in beside:
            with _if_there():
                api.hf_hub_download(repository, name, revision=commit)
    return weights.parent


def upload(folder: Path, address: str, *, private: bool = False) -> str:
    """Put the files of a folder into a repository, which is made if there is none, and return where it can be seen.

    What is there already stays in the history of the repository.

    Args:
        folder: what ``tracknet publish`` wrote.
        address: ``hf://owner/name``.
        private: whether a new repository is for its owner alone.

    Raises:
        DataError: it cannot be reached, or may not be written to.
        ConfigError: no address, or the package huggingface_hub is missing.
    """
    repository, revision = _parsed(address)
    api = _api(address)
    with _told(address, DataError):
        place = api.create_repo(repository, exist_ok=True, private=private)
        api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            revision=revision,
            commit_message="A network that finds the ball, by tracknet",
        )
    return str(place)


def check_address(address: str) -> None:
    """Refuse what is no address, before hours of work.

    Raises:
        ConfigError: it is none, or the package huggingface_hub is missing.
    """
    _parsed(address)
    _api(address)


@contextmanager
def _if_there() -> Iterator[None]:
    """Go on without a file that the repository has not, or that was not fetched when it could be reached."""
    # Here rather than above: as in _api, which has found it.
    from huggingface_hub import errors  # noqa: PLC0415

    with suppress(errors.EntryNotFoundError, errors.LocalEntryNotFoundError):
        yield


def _written(address: str | Path) -> str:
    """Return an address as it is written: a path makes one slash of two."""
    return address if isinstance(address, str) else re.sub("^hf:/", SCHEME, address.as_posix())


def _parsed(address: str) -> _Address:
    form = _FORM.fullmatch(address)
    if form is None:
        raise ConfigError(f"{address}: no address of a repository. Write hf://owner/name, or hf://owner/name@revision.")
    return _Address(form["repository"], form["revision"])


def _api(address: str) -> HfApi:
    try:
        # Here rather than above: few need it, and it takes a second to import.
        from huggingface_hub import HfApi  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            f"{address}: needs the package huggingface_hub, which is not installed: pip install 'tracknet[huggingface]'"
        ) from error
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="tracknet")


@contextmanager
def _told(address: str, kind: type[CheckpointError | DataError]) -> Iterator[None]:
    """Turn what the library raises into a message."""
    # Here rather than above: as in _api, which has found it.
    from huggingface_hub import errors  # noqa: PLC0415

    try:
        yield
    except errors.RepositoryNotFoundError as error:
        raise kind(
            f"{address}: there is no such repository, or you may not see it. If it is private or asks for consent, log "
            "in with 'hf auth login', or set HF_TOKEN."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise kind(f"{address}: this repository has no such branch, tag or commit.") from error
    except errors.LocalEntryNotFoundError as error:  # before what it inherits from
        raise kind(
            f"{address}: cannot be reached, and has not been fetched before. Connect to the network, or give the path "
            "of a folder with its files."
        ) from error
    except errors.EntryNotFoundError as error:
        raise kind(
            f"{address}: holds no {WEIGHTS} and {CONFIG}, and so no network of tracknet. 'tracknet publish' writes it."
        ) from error
    except errors.HFValidationError as error:
        raise ConfigError(f"{address}: no address of a repository: {error}") from error
    except OSError as error:  # of the network, of the disk, and all answers of a server that are no file
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise kind(
            f"{address}: Hugging Face could not be asked, or said no: {first} To write, log in with 'hf auth login', "
            "or set HF_TOKEN."
        ) from error

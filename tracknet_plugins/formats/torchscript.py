"""TorchScript, for programs in C++ and for devices that have no newer road."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from tracknet_core.contracts import Format
from tracknet_core.registry import formats
from tracknet_plugins.formats.reading import NOTES, Runner, archived_notes, reading

if TYPE_CHECKING:
    from torch import Tensor, nn

DEBUG_SUFFIX = ".debug_pkl"
"""Of records that say which line of which source file an operation comes from; torch reads archives without them."""


@formats.register("torchscript")
class TorchScript(Format):
    """A ``.pt`` file for ``torch.jit.load``, from one trace of the network.

    torch has declared TorchScript old; it is here for libtorch (C++) and mobile programs that read nothing else.
    Loading such a file can run code that is inside it, so load none of a stranger: ONNX files hold numbers and known
    operations only. :meth:`notes` runs nothing.
    """

    runs_code = True
    suffix = ".pt"

    def __init__(self) -> None:
        pass

    def save(self, network: nn.Module, inputs: Sequence[Tensor], path: Path, notes: Mapping[str, str]) -> None:
        """Write a trace, with a free number of windows; the notes are its extra file ``notes.json``.

        What torch keeps for messages of errors, lines of source and where they lie on this machine, is left out.

        Raises:
            UserError: the network cannot be traced.
        """
        # Here rather than above: torch takes seconds to import, and looking at what formats there are needs none of it.
        import torch  # noqa: PLC0415

        from tracknet_plugins.formats.program import blank_windows, quiet  # noqa: PLC0415

        with quiet("the network cannot be traced"):
            # Not checked here: the file is compared with the network as a whole, on frames of another number.
            traced = torch.jit.trace(network, blank_windows(inputs), check_trace=False)  # type: ignore[no-untyped-call]
            whole = BytesIO()
            torch.jit.save(traced, whole, _extra_files={NOTES: json.dumps(dict(notes))})
            with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(path, "w") as written:
                for record in archive.infolist():
                    if not record.filename.endswith(DEBUG_SUFFIX):
                        written.writestr(record, archive.read(record))

    def load(self, path: Path) -> Runner:
        """Return a function that runs the file, with the threads of torch.

        Raises:
            CheckpointError: the file is not of this format.
        """
        # Here rather than above, as in save.
        import torch  # noqa: PLC0415

        from tracknet_plugins.formats.program import runner  # noqa: PLC0415

        with reading(path, "TorchScript"):
            return runner(torch.jit.load(path, map_location="cpu"))  # type: ignore[no-untyped-call]

    def notes(self, path: Path) -> dict[str, str]:
        """Return the texts that travel inside the file.

        Raises:
            CheckpointError: the file is not of this format.
        """
        return archived_notes(path)

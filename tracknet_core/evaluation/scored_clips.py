"""The clips that a saved evaluation was of, found again for their pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tracknet_core.assembly import build_dataset
from tracknet_core.clips import clip_names
from tracknet_core.config import DataConfig
from tracknet_core.contracts import Clip
from tracknet_core.errors import UserError
from tracknet_core.evaluation.results import digest_of_labels
from tracknet_core.evaluation.saved_runs import SavedRun
from tracknet_core.schema import check_dataclass
from tracknet_core.splits import choose_clips


def scored_clips(runs: Sequence[SavedRun], names: Sequence[str]) -> tuple[dict[str, Clip], str]:
    """Return clips by name, of the first run whose data are still as its file says.

    If there is none, what the first one's data still have of them, and why that is not all.

    Args:
        runs: evaluations of the same labels, which may have been made on different machines.
        names: of the clips.
    """
    found = (_clips(run, names) for run in runs)
    first = next(found)
    return first if not first[1] else next((one for one in found if not one[1]), first)


def _clips(run: SavedRun, names: Sequence[str]) -> tuple[dict[str, Clip], str]:
    if "data" not in run.conditions:
        return {}, f"{run.path} is of files without a video."
    try:
        return _found(run, names)
    except (UserError, ValueError, RecursionError) as error:
        return {}, f"the data of {run.path} cannot be read again: {error}"


def _found(run: SavedRun, names: Sequence[str]) -> tuple[dict[str, Clip], str]:
    faults: list[str] = []
    tree = json.loads(run.conditions["data"])
    data: DataConfig = check_dataclass(DataConfig, tree, "conditions.data", faults)
    if faults:
        return {}, f"the data of {run.path} cannot be read again: {faults[0]}"
    clips = choose_clips(build_dataset(data), data.split, run.split)
    places: Mapping[str, int] = {name: place for place, name in enumerate(clip_names(clips))}
    there = {name: clips[places[name]] for name in names if name in places}
    same = {
        name: clip
        for name, clip in there.items()
        if digest_of_labels(clip.xy, clip.visibility) == run.clips[name] and len(clip) == len(run.frames[name].xy)
    }
    gone = len(names) - len(same)
    return same, f"{gone} of {len(names)} clips are not as they were when {run.path} was written." if gone else ""

"""The test matrix.

``nox`` runs all of it but ``slow``, ``fuzz``, ``newest``, ``audit``, ``faults`` and the tests on a Python between the
oldest and the newest that are installed; ``nox -s tests`` runs them on every one, ``nox -s tests-3.11 -- tests/core``
on one, with arguments for pytest. Sessions for a Python that is not installed are skipped. With uv (``pip install
nox[uv]``) the sessions share one copy of torch; without it they work, but each unpacks several GB.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
INSTALLED = [python for python in PYTHONS if shutil.which(f"python{python}")] or PYTHONS
ENDS = sorted({INSTALLED[0], INSTALLED[-1]}, key=PYTHONS.index)  # with those between, two cores take over 20 minutes
TEST = nox.project.dependency_groups(PROJECT, "test")
DEV = nox.project.dependency_groups(PROJECT, "dev")
FORMATS = "tests/plugins/formats"
EXAMPLE = ROOT / "tests" / "example_plugin"

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.sessions = ["lint", *(f"tests-{python}" for python in ENDS), "formats", "plugin", "docs", "lowest"]
# Without this, nox fails for a missing Python where the variable CI is set.
nox.options.error_on_missing_interpreters = False


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, types, and which package may import which."""
    session.install("-e", ".[tensorboard]", *DEV)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    session.run("lint-imports")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the quick tests, but for those of the formats."""
    session.install("-e", ".[tensorboard]", *TEST)
    run_pytest(session, f"--ignore={FORMATS}")


@nox.session
def formats(session: nox.Session) -> None:
    """Run the tests of the formats that networks are exported to; exporters take their time."""
    session.install("-e", ".[onnx,openvino]", *TEST)
    run_pytest(session, FORMATS)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run the quick tests with the lowest versions that pyproject.toml allows."""
    session.install("-e", ".[tensorboard]", *lowest_versions())
    run_pytest(session, f"--ignore={FORMATS}")


@nox.session(python=PYTHONS[-1])
def newest(session: nox.Session) -> None:
    """Run the quick tests with the newest versions there are, beyond the bounds of pyproject.toml."""
    session.install("--no-deps", "-e", ".")
    session.install(*(re.sub(r",?<[^,;]+", "", requirement) for requirement in requirements()))
    run_pytest(session, f"--ignore={FORMATS}")


@nox.session
def audit(session: nox.Session) -> None:
    """Look up known vulnerabilities of all that an installation brings; needs a network."""
    project = PROJECT["project"]
    asked = {one for extra in project["optional-dependencies"].values() for one in extra} | {*project["dependencies"]}
    session.install(*sorted(asked), *nox.project.dependency_groups(PROJECT, "audit"))
    # Strict, as what could not be looked up counts as well otherwise; tracknet itself is nowhere to look up.
    session.run("pip-audit", "--local", "--strict", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site of the docs; a warning is an error."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, "docs"))
    session.run("sphinx-build", "-q", "-E", "-W", "--keep-going", "docs", *(session.posargs or [session.create_tmp()]))


@nox.session
def plugin(session: nox.Session) -> None:
    """Train the backbone of a third-party package, with tracknet installed from its wheel."""
    session.install("build", *PROJECT["build-system"]["requires"])
    with tempfile.TemporaryDirectory() as folder:
        build = ("python", "-m", "build", "--no-isolation", "--outdir", folder)
        session.run(*build, str(ROOT))
        session.run(*build, "--wheel", str(EXAMPLE))
        (wheel,) = Path(folder).glob("tracknet-*.whl")
        (example_wheel,) = Path(folder).glob("tracknet_example-*.whl")
        missing = expected_in_wheel() - set(zipfile.ZipFile(wheel).namelist())
        if missing:
            session.error(f"{wheel.name} lacks {', '.join(sorted(missing))}")
        session.install(str(wheel), str(example_wheel), "pytest")
        # Away from the checkout, so that nothing is imported from it by chance.
        with session.chdir(folder):
            session.run("pytest", str(EXAMPLE))
            session.run("tracknet", "--help")
            session.run("tracknet", "list", "backbones")
            session.run("tracknet", "show", "backbones", "tiny_conv")
            session.run("tracknet", "check", "--dist", "tracknet-example")
            session.run("tracknet", "run", "vit", "--dry-run")
            session.run("tracknet", "new", "losses", "brand_new")
            session.install("--no-build-isolation", str(Path(folder, "tracknet-brand-new")))
            session.run("tracknet", "check", "losses", "brand_new")
            session.run("tracknet", "run", str(EXAMPLE / "experiment.yaml"))
            if not list(Path("outputs", "checkpoints").glob("last_*.ckpt")):
                session.error("the example plugin was not trained: no checkpoint in outputs/checkpoints")


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that take minutes."""
    session.install("-e", ".[tensorboard]", *TEST)
    run_pytest(session, "-m", "slow")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Draw label files, experiments, videos and predictions for long; other ones at every run."""
    session.install("-e", ".[tensorboard]", *TEST)
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_fuzz_*.py"))
    run_pytest(session, "--hypothesis-profile", "long", *files)


@nox.session
def faults(session: nox.Session) -> None:
    """Try kills, full disks, broken files and other faults, and print what is told and lost; takes many minutes."""
    session.install("-e", ".[onnx]")
    session.run("python", "benchmarks/faults.py", *session.posargs, env={"OMP_NUM_THREADS": "1"})


def run_pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest with the arguments that follow ``--`` on the command line."""
    # One process per core, each with one thread, beats one process with threads: most tests are small.
    session.run(
        "pytest", "-n", "auto", "--maxprocesses", "8", *arguments, *session.posargs, env={"OMP_NUM_THREADS": "1"}
    )


def lowest_versions() -> list[str]:
    """Return the requirements of project and tests, with every ``>=`` turned into ``==``."""
    return [re.sub(r">=([^,;\s]+)(,[^;]*)?", r"==\1", requirement) for requirement in requirements()]


def requirements() -> list[str]:
    """Return what project and tests ask for."""
    project = PROJECT["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["tensorboard"], *TEST]


def expected_in_wheel() -> set[str]:
    """Return files that are easily lost in packaging, as they are called inside the wheel."""
    experiments = {f"tracknet_core/{path.relative_to(ROOT)}" for path in (ROOT / "experiments").rglob("*.yaml")}
    templates = {str(path.relative_to(ROOT)) for path in (ROOT / "tracknet_core").rglob("templates/*.*")}
    weights = {str(path.relative_to(ROOT)) for path in (ROOT / "tracknet_plugins").glob("models/weights/*/*.*")}
    return experiments | templates | weights | {"tracknet_core/py.typed", "tracknet_plugins/py.typed"}


def show_pythons_of_pyenv() -> None:
    """Let nox find every Python that pyenv has installed, not only the one that is active."""
    pyenv = shutil.which("pyenv")
    if pyenv is None or "PYENV_VERSION" in os.environ:
        return
    listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=False).stdout
    versions = [version for version in listed.split() if version.rpartition(".")[0] in PYTHONS]
    if versions:
        os.environ["PYENV_VERSION"] = ":".join(versions)


show_pythons_of_pyenv()

import itertools
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path

import pytest

from tracknet_core.errors import RegistryError
from tracknet_core.registry import REGISTRIES, Registry

_numbers = itertools.count()


@pytest.fixture
def registry() -> Registry:
    """A kind of its own for every test, since catalogue keeps what is registered until the process ends."""
    return Registry(f"gadgets{next(_numbers)}", object)


@pytest.fixture
def install(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a distribution: a module, and the metadata that pip would leave beside it."""
    monkeypatch.syspath_prepend(tmp_path)

    def install_distribution(distribution: str, source: str, **entries: str) -> None:
        module = f"{distribution}_module"
        (tmp_path / f"{module}.py").write_text(source)
        metadata = tmp_path / f"{distribution}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = [f"{name} = {module}:{attribute}" for name, attribute in entries.items()]
        (metadata / "entry_points.txt").write_text("\n".join([f"[{registry.group}]", *lines]) + "\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install_distribution


def test_the_group_of_entry_points_is_named_after_the_kind() -> None:
    assert {kind: registry.group for kind, registry in REGISTRIES.items()} == {
        kind: f"tracknet_{kind}" for kind in REGISTRIES
    }


def test_a_decorated_class_is_found_by_its_name(registry: Registry) -> None:
    @registry.register("spring")
    class Spring:
        pass

    assert registry.names() == ["spring"]
    assert registry.get("spring") is Spring


def test_an_entry_point_is_found_by_its_name(registry: Registry, install: Callable[..., None]) -> None:
    install("alpha", "class Lever: teeth = 3", lever="Lever")
    assert registry.names() == ["lever"]
    assert registry.get("lever").teeth == 3  # type: ignore[attr-defined]


def test_decorator_and_entry_point_of_one_class_agree(registry: Registry, install: Callable[..., None]) -> None:
    source = f"""
from tracknet_core.registry import Registry

@Registry({registry.kind!r}, object).register("lever")
class Lever:
    pass
"""
    install("alpha", source, lever="Lever")
    first = registry.get("lever")
    assert registry.get("lever") is first
    assert registry.names() == ["lever"]


def test_listing_names_imports_no_plugin(registry: Registry, install: Callable[..., None]) -> None:
    install("broken", "raise OSError('this module must stay closed')", lever="Lever")
    assert registry.names() == ["lever"]
    assert "broken_module" not in sys.modules


def test_a_package_that_comes_later_is_found(registry: Registry, install: Callable[..., None]) -> None:
    install("alpha", "class Lever: pass", lever="Lever")
    assert registry.names() == ["lever"]
    install("beta", "class Spring: pass", spring="Spring")
    assert registry.names() == ["lever", "spring"]
    assert registry.get("spring").__module__ == "beta_module"


def test_metadata_is_scanned_once_for_many_names(
    registry: Registry, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("alpha", "class Lever: pass", lever="Lever")
    scans: list[None] = []

    def scan() -> EntryPoints:
        scans.append(None)
        return EntryPoints(entry_points(group=registry.group))

    monkeypatch.setattr("tracknet_core.registry.entry_points", scan)
    for _ in range(5):
        assert registry.names() == ["lever"]
        registry.get("lever")
    assert len(scans) == 1


def test_listing_all_names_does_not_import_torch() -> None:
    program = """
import sys
from tracknet_core.registry import REGISTRIES
names = {kind: registry.names() for kind, registry in REGISTRIES.items()}
heavy = {module for module in sys.modules if module.split(".")[0] in {"torch", "lightning", "timm", "tracknet_plugins"}}
print("vit" in names["backbones"], sorted(heavy))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "True []\n"


def test_asking_for_one_name_imports_one_module(registry: Registry, install: Callable[..., None]) -> None:
    install("alpha", "class Lever: pass", lever="Lever")
    install("beta", "class Spring: pass", spring="Spring")
    assert registry.get("spring").__module__ == "beta_module"
    assert "alpha_module" not in sys.modules


def test_a_broken_plugin_is_named_when_it_is_asked_for(registry: Registry, install: Callable[..., None]) -> None:
    install("broken", "import a_library_that_nobody_has", lever="Lever")
    with pytest.raises(RegistryError) as error:
        registry.get("lever")
    assert str(error.value) == (
        f"{registry.kind}: 'lever' comes from the package 'broken', whose module 'broken_module' does not import: "
        "ModuleNotFoundError: No module named 'a_library_that_nobody_has'"
    )


def test_an_entry_point_to_a_missing_class_names_its_package(registry: Registry, install: Callable[..., None]) -> None:
    install("alpha", "class Lever: pass", lever="Lvr")
    with pytest.raises(RegistryError, match=r"package 'alpha'.*AttributeError: .*'Lvr'"):
        registry.get("lever")


def test_a_broken_plugin_disturbs_neither_its_neighbours_nor_a_typo(
    registry: Registry, install: Callable[..., None]
) -> None:
    install("broken", "raise OSError('this module must stay closed')", lever="Lever")
    install("beta", "class Spring: pass", spring="Spring")
    assert registry.get("spring").__module__ == "beta_module"
    with pytest.raises(RegistryError, match="Did you mean 'spring'"):
        registry.get("sprnig")


def test_a_name_claimed_by_two_packages_names_both(registry: Registry, install: Callable[..., None]) -> None:
    install("alpha", "class Lever: pass", lever="Lever")
    install("beta", "class Lever: pass", lever="Lever")
    assert registry.names() == ["lever"]
    with pytest.raises(RegistryError) as error:
        registry.get("lever")
    assert str(error.value) == (
        f"{registry.kind}: the name 'lever' is claimed by 'alpha' (alpha_module:Lever) and 'beta' (beta_module:Lever). "
        "Uninstall one of them."
    )


def test_a_decorator_cannot_take_the_name_of_an_entry_point(registry: Registry, install: Callable[..., None]) -> None:
    install("alpha", "class Lever: pass", lever="Lever")

    @registry.register("lever")
    class Impostor:
        pass

    with pytest.raises(RegistryError) as error:
        registry.get("lever")
    assert "claimed by the package 'alpha' (alpha_module:Lever)" in str(error.value)
    assert f"{__name__}.{Impostor.__qualname__}" in str(error.value)


def test_two_classes_cannot_register_one_name(registry: Registry) -> None:
    @registry.register("spring")
    class Spring:
        pass

    class Coil:
        pass

    with pytest.raises(RegistryError) as error:
        registry.register("spring")(Coil)
    assert Spring.__qualname__ in str(error.value)
    assert Coil.__qualname__ in str(error.value)
    assert registry.get("spring") is Spring


def test_a_reloaded_class_registers_again(registry: Registry) -> None:
    def reload() -> type:
        @registry.register("spring")
        class Spring:
            pass

        return Spring

    before, after = reload(), reload()
    assert before is not after
    assert registry.get("spring") is after


def test_an_unknown_name_is_answered_with_the_nearest_all_and_the_way_to_add_one(registry: Registry) -> None:
    for name in ("spring", "lever"):
        registry.register(name)(type(name, (), {}))
    with pytest.raises(RegistryError) as error:
        registry.get("levre")
    assert str(error.value) == (
        f"no component of kind '{registry.kind}' is called 'levre'. Did you mean 'lever'? Known: lever, spring. "
        f"A package adds one with an entry point in the group 'tracknet_{registry.kind}'; a single file through "
        "'plugins: [./my_file.py]' in the experiment."
    )


def test_an_unknown_name_far_from_all_others_gets_no_guess(registry: Registry) -> None:
    with pytest.raises(RegistryError, match=r"called 'lever'\. Known: none\."):
        registry.get("lever")

"""Importing: what `import atalanta` loads, with and without extras, and from every kind of installation."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from pkgutil import walk_packages

import pytest

import atalanta
from atalanta.errors import AtalantaError, BrokenExtraError, MissingExtraError, import_extra

INSTALLED = Path(atalanta.__file__).parent
SOURCES = Path(__file__).resolve().parents[2] / "python" / "atalanta"

#: Modules of the standard library that `import atalanta` may load beyond what the interpreter has anyway; the last
#: three are those of the finder of an editable installation.
ALLOWED = {
    "__future__",
    "importlib",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "typing",
    "warnings",
    "importlib._abc",
    "importlib.machinery",
    "importlib.util",
}

#: All that the extras bring, and the peers of the benchmarks.
OPTIONAL = ("mlx", "mpmath", "pandas", "polars", "pyarrow", "scipy", "QuantLib", "numba", "jax", "hypothesis")

EVERY_MODULE = """
from pkgutil import walk_packages
import importlib, sys, atalanta
found = [one.name for one in walk_packages(atalanta.__path__, "atalanta.")]
names = [name for name in found if name not in ("atalanta.__main__", "atalanta._core")]
for name in names:
    importlib.import_module(name)
for name in atalanta.__all__:
    getattr(atalanta, name)
print(len(names), *sorted({name.partition(".")[0] for name in sys.modules}))
"""

#: Imports of these fail as they do where a package is not there.
ABSENT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in OPTIONAL:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
""".replace("OPTIONAL", repr(OPTIONAL))


def run(code, *arguments, options=(), folder=None, paths=sys.path, **environment):
    """Code in a fresh interpreter, without any of our variables but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATALANTA_")}
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**kept, "PYTHONPATH": os.pathsep.join(map(str, paths)), **environment},
    )


def output(code, *arguments, **given):
    done = run(code, *arguments, **given)
    assert 0 == done.returncode, done.stderr
    return done.stdout.split()


def modules():
    """Every module of the installed package but the extension and the one that runs the command line."""
    found = {one.name for one in walk_packages(atalanta.__path__, "atalanta.")}
    return sorted(found - {"atalanta.__main__", "atalanta._core"})


def test_import_loads_only_what_is_listed():
    """Nothing of NumPy, pydantic or YAML; of the standard library the modules listed above."""
    code = (
        "import sys, pkgutil; before = set(sys.modules); import atalanta; print(*set(sys.modules) - before)"
    )
    assert {"atalanta"} == set(output("import typing, warnings;" + code)) - ALLOWED
    plain = set(
        output("import sys; before = set(sys.modules); import atalanta; print(*set(sys.modules) - before)")
    )
    by_typing = set(
        output("import sys; before = set(sys.modules); import typing; print(*set(sys.modules) - before)")
    )
    assert {"atalanta"} == plain - by_typing - ALLOWED


@pytest.mark.parametrize(
    ("use", "heavy"),
    [
        ("atalanta.price", {"polars", "pandas", "narwhals", "rich", "typer", "pydantic", "yaml", "asyncio"}),
        ("atalanta.buffers", {"polars", "pandas", "narwhals", "rich", "typer", "pydantic", "yaml"}),
        ("atalanta.Router", {"polars", "pandas", "narwhals", "rich", "typer", "pydantic", "yaml", "mlx"}),
        ("atalanta.analyze", {"polars", "pandas", "rich", "typer", "pydantic", "yaml", "mlx"}),
        ("atalanta.errors", {"numpy"}),
    ],
)
def test_each_name_loads_what_it_needs(use, heavy):
    """Lazily, and no more than that."""
    module = "import atalanta.errors" if use.endswith("errors") else "import atalanta"
    assert set() == heavy & set(output(f"import sys; {module}; {use}; print(*sys.modules)"))


def test_every_module_can_be_imported():
    """With what is installed here."""
    assert len(modules()) == int(output(EVERY_MODULE)[0])


def test_every_module_can_be_imported_without_extras():
    """Nothing optional is imported before it is needed."""
    count, *loaded = output(ABSENT + EVERY_MODULE)
    assert len(modules()) == int(count)
    assert set() == set(OPTIONAL) & set(loaded)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="NumPy's library there does not survive a fork")
def test_every_module_can_be_the_first():
    """No module depends on another having been imported before; each in a process of its own."""
    code = """
    import os, sys
    # Of others, once, for all the children.
    import asyncio, concurrent.futures, csv, email, gzip, hmac, json, logging, secrets, ssl, statistics, tempfile
    import zipfile, zoneinfo
    import narwhals, numpy, pydantic, rich.console, typer, yaml
    for name in sys.argv[1:]:
        child = os.fork()
        if child == 0:
            __import__(name)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            print(name)
    """
    assert [] == output(code, *modules())


def test_eager_import_loads_every_module():
    """With the variable, all of it at once; 0 and nothing are no."""
    code = "import sys, atalanta; print(len([name for name in sys.modules if name.startswith('atalanta.')]))"
    (all_of_it,) = output(code, ATALANTA_EAGER_IMPORT="1")
    assert len(modules()) <= int(all_of_it)
    assert ["0"] == output(code, ATALANTA_EAGER_IMPORT="0")
    assert ["0"] == output(code, ATALANTA_EAGER_IMPORT="")
    assert all_of_it == output(ABSENT + code, ATALANTA_EAGER_IMPORT="1")[0]


def test_eager_import_finds_a_broken_module():
    """A module that does not import fails the import of the package, by its own error."""
    code = """
    import sys
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "atalanta.market.curves":
                raise SyntaxError("as an editor left it")
    sys.meta_path.insert(0, Broken())
    import atalanta
    """
    assert 0 == run(code).returncode
    done = run(code, ATALANTA_EAGER_IMPORT="1")
    assert 1 == done.returncode
    assert "SyntaxError: as an editor left it" in done.stderr


def package(folder, name, text):
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(textwrap.dedent(text), encoding="utf-8")


def test_an_extra_that_is_absent():
    """What to install."""
    with pytest.raises(
        MissingExtraError, match="needs gonelib, which is not installed: install atalanta with"
    ):
        import_extra("gonelib", "files", "market.read_chain")
    with pytest.raises(MissingExtraError, match=r"needs gonelib\.core, which is not installed"):
        import_extra("gonelib.core", "files", "market.read_chain")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import gonelib", "No module named 'gonelib'"),
        ("import brokenlib._part", "No module named 'brokenlib._part'"),
        ("raise ImportError('undefined symbol: pow')", "undefined symbol: pow"),
        ("raise OSError('libcuda.so.1: cannot open')", "libcuda.so.1: cannot open"),
        ("raise AttributeError()", "AttributeError"),
        ("syntax error", "invalid syntax"),
    ],
)
def test_an_extra_that_is_broken(tmp_path, monkeypatch, text, reason):
    """It is there, so installing it is no mend: its own words are kept, and the error below."""
    package(tmp_path, "brokenlib", text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        BrokenExtraError, match="needs brokenlib, which is installed and does not load"
    ) as caught:
        import_extra("brokenlib", "files", "market.read_chain")
    assert reason in str(caught.value)
    assert "--force-reinstall brokenlib" in str(caught.value)
    assert isinstance(caught.value, AtalantaError)
    assert isinstance(caught.value, ImportError)
    assert not isinstance(caught.value, MissingExtraError)
    assert caught.value.__cause__ is not None


def test_a_broken_extra_of_a_reader(tmp_path):
    """A Parquet file with a polars that does not load."""
    package(tmp_path, "polars", "raise ImportError('undefined symbol: pow')")
    (tmp_path / "quotes.parquet").write_bytes(b"PAR1")
    done = run(
        "import atalanta; atalanta.read_chain('quotes.parquet')", folder=tmp_path, paths=[tmp_path, *sys.path]
    )
    assert (
        "BrokenExtraError: [market.read_chain] needs polars, which is installed and does not load"
        in done.stderr
    )


def test_sources_without_the_core_say_so():
    """As when Python is started in the folder of the sources."""
    if not SOURCES.is_dir():
        pytest.skip("needs the project's sources beside the tests")
    done = run("import atalanta; atalanta.cpu_features", options=["-S"], folder=SOURCES.parent, paths=["."])
    assert "ImportError: [atalanta]" in done.stderr
    assert "without its compiled core: install it (python -m pip install .)" in done.stderr


def files_of(folder):
    """What a package's folder holds that is neither compiled nor a cache."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".so", ".pyc", ".pyd"}
    }


def test_the_installation_has_every_file_of_the_sources():
    """Modules and data files: the defaults of the configuration, the page of smiles, the types."""
    if not SOURCES.is_dir():
        pytest.skip("needs the project's sources beside the tests")
    assert files_of(SOURCES) <= files_of(INSTALLED)
    assert {"config/defaults.py", "cli/smile_page.html", "py.typed"} <= files_of(INSTALLED)


def test_the_sdist_has_every_file_of_the_sources(tmp_path):
    """And the C++ below them; made as the build makes it, without compiling."""
    build = pytest.importorskip("scikit_build_core.build", reason="needs scikit-build-core: the extra 'lint'")
    if not SOURCES.is_dir():
        pytest.skip("needs the project's sources beside the tests")
    import tarfile

    before = Path.cwd()
    os.chdir(SOURCES.parents[1])
    try:
        name = build.build_sdist(str(tmp_path))
    finally:
        os.chdir(before)
    with tarfile.open(tmp_path / name) as archive:
        names = {member.partition("/")[2] for member in archive.getnames()}
    assert {f"python/atalanta/{one}" for one in files_of(SOURCES)} <= names
    assert {"CMakeLists.txt", "pyproject.toml", "csrc/bind/module.cpp"} <= names


def test_sources_in_place_behave_as_an_installation():
    """As an editable installation arranges it: modules and data from the sources, the core from elsewhere."""
    if not SOURCES.is_dir():
        pytest.skip("needs the project's sources beside the tests")
    from atalanta import _core

    code = f"""
    import sys
    from importlib.util import spec_from_file_location
    class Elsewhere:
        def find_spec(self, name, path=None, target=None):
            return spec_from_file_location(name, {_core.__file__!r}) if name == "atalanta._core" else None
    sys.meta_path.insert(0, Elsewhere())
    import atalanta
    assert atalanta.__file__.startswith({str(SOURCES)!r})
    """
    paths = [SOURCES.parent, *sys.path]
    code = textwrap.dedent(code)
    count, *_ = output(code + EVERY_MODULE, paths=paths)
    sources = {path for path in SOURCES.rglob("*.py") if path.name != "__main__.py"}
    assert len(sources - {SOURCES / "__init__.py"}) == int(count)
    code += "from atalanta import config; print(config.load(environment={}).value.market.tolerance)"
    assert ["standard"] == output(code, paths=paths)

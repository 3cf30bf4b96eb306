"""Other libraries, one adapter each, imported when asked for. Main entries: `PEERS`, `load_peer`, `load_peers`.

An adapter has one function, `load() -> Contender`; it calls its library in the fastest way its API offers.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from atalanta.benchmarking.contender import Contender
from atalanta.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from atalanta.config import Config

__all__ = ["ALL", "PEERS", "load_peer", "load_peers", "unusable"]

#: Asks for every peer that is installed.
ALL = "all"

#: By the name on the command line: the adapter's module, and what to hand to pip.
PEERS: dict[str, tuple[str, str]] = {
    "jax": ("own_jax", "jax"),
    "scipy": ("own_scipy", "scipy"),
    "numba": ("own_numba", "numba"),
    "opengreeks": ("opengreeks", "opengreeks"),
    "quantforge": ("quantforge", "quantforge"),
    "pyvolr": ("pyvolr", "pyvolr"),
    "fast-vollib": ("fast_vollib", "fast-vollib numba"),
    "fast-vollib-jackel": ("fast_vollib_jackel", "fast-vollib"),
    "iv-engine": ("iv_engine", "iv-engine"),
    "quantlib": ("quantlib", "QuantLib"),
    "vollib": ("vollib", "vollib"),
}


def load_peer(name: str) -> Contender:
    """Import one peer.

    Args:
        name: a key of `PEERS`.

    Raises:
        InputError: no such peer, or it is installed and fails to import.
        MissingExtraError: it is not installed.
    """
    if name not in PEERS:
        raise InputError(f"[benchmarking.load_peer] {name} is no peer (known: {ALL}, {', '.join(PEERS)})")
    adapter, install = PEERS[name]
    try:
        contender: Contender = importlib.import_module(f"atalanta.benchmarking.peers.{adapter}").load()
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"[benchmarking.load_peer] peer {name} needs {error.name}, which is not installed: "
            f"python -m pip install {install}"
        ) from error
    except Exception as error:
        raise InputError(
            f"[benchmarking.load_peer] peer {name} is installed and does not import here ({error}); "
            f"try another version: python -m pip install --upgrade {install}"
        ) from error
    return contender


def load_peers(names: Sequence[str], wanted: Sequence[str] = ()) -> tuple[list[Contender], list[str]]:
    """Import the peers asked for.

    Args:
        names: keys of `PEERS`, or `ALL`. A peer asked for by name must be there; `ALL` takes those that are.
        wanted: keys of `PEERS` to take too where they are installed.

    Returns:
        The contenders, each once, and a line for each that was wanted or among `ALL` and not found.

    Raises:
        InputError: no such peer, or one asked for by name fails to import.
        MissingExtraError: a peer asked for by name is not installed.
    """
    found, missing = {name: load_peer(name) for name in names if name != ALL}, []
    for name in PEERS if ALL in names else wanted:
        try:
            found[name] = found.get(name) or load_peer(name)
        except (InputError, MissingExtraError) as error:
            missing.append(str(error))
    return list(found.values()), missing


def unusable(settings: Config) -> Iterator[tuple[tuple[str, ...], str, object]]:
    """The key, what is wrong and the value of each configured peer that there is not, installed or not."""
    for name in settings.bench.against:
        if name != ALL and name not in PEERS:
            yield ("bench", "against"), f"there is no such peer (known: {ALL}, {', '.join(PEERS)})", name

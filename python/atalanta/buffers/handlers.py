"""Pools as NumPy's memory handler (NEP 49) within blocks of code. Main entry: `handling`.

Blocks may end in any order, as generators and exit stacks let them: a handler stands on the one in force before it,
so that those on top of one that ends are made anew on what it stood on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import NamedTuple

from atalanta import _core
from atalanta.errors import InputError

__all__ = ["handling"]


class _Settings(NamedTuple):
    pool: _core.Pool
    least_bytes: int
    tag: str
    fall_back: bool


class _Block(NamedTuple):
    """A block that goes on, with the handler it put in force and the one before."""

    name: object
    settings: _Settings
    handler: object
    before: object


_Blocks = tuple[_Block, ...]

#: Of a context, as NumPy's handler is; the innermost last.
_open: ContextVar[_Blocks] = ContextVar("atalanta.buffers.handlers", default=())

#: One handler per pool, settings and handler before it: each lives for ever.
_handlers: dict[tuple[object, ...], object] = {}


@contextmanager
def handling(pool: _core.Pool, least_bytes: int, tag: str, fall_back: bool) -> Iterator[None]:
    """Put a pool in force as NumPy's handler within the block; see `BufferPool.numpy`.

    Raises:
        InputError: the tag is no text or one too many; or the block ends in another context than it began in.
    """
    if not isinstance(tag, str):
        raise InputError(f"[buffers.numpy] tag={tag!r}: give a text")
    settings, name = _Settings(pool, least_bytes, tag, fall_back), object()
    handler = _handler(settings)
    before = _core.set_numpy_handler(handler)
    token = _open.set((*_open.get(), _Block(name, settings, handler, before)))
    try:
        yield
    finally:
        _end(name, token)


def _end(name: object, token: Token[_Blocks]) -> None:
    blocks = _open.get()
    if not _is_of_this_context(token):
        raise InputError(
            "[buffers.numpy] the block ends in another context than it began in, where its handler stays in force: "
            "end it in the thread and the task that began it"
        )
    place = next(place for place, block in enumerate(blocks) if block.name is name)
    ended, above = blocks[place], blocks[place + 1 :]
    if above:
        above = _standing_on(ended, above)
    else:
        _core.set_numpy_handler(ended.before)
    _open.set(blocks[:place] + above)


def _is_of_this_context(token: Token[_Blocks]) -> bool:
    """Whether the block began here; asked once, and the blocks must be set afterwards."""
    try:
        _open.reset(token)
    except ValueError:
        return False
    return True


def _standing_on(ended: _Block, above: _Blocks) -> _Blocks:
    """The blocks above one that ended, on what that stood on; the last of them stays in force."""
    in_force, made = _in_force(), list[_Block]()
    old, new = ended.handler, ended.before
    for block in above:
        if (
            block.before is not old
        ):  # somebody else's handler is between them, and what it stands on is its own affair
            new = in_force
            break
        _core.set_numpy_handler(new)
        made.append(block._replace(handler=_handler(block.settings), before=new))
        old, new = block.handler, made[-1].handler
    _core.set_numpy_handler(new if in_force is old else in_force)
    return (*made, *above[len(made) :])


def _handler(settings: _Settings) -> object:
    """On top of the one in force."""
    key = (id(settings.pool), *settings[1:], id(_in_force()))
    if key not in _handlers:
        _handlers[key] = _core.numpy_handler(*settings)
    return _handlers[key]


def _in_force() -> object:
    found = _core.set_numpy_handler(None)
    _core.set_numpy_handler(found)
    return found

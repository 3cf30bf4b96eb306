"""A pool against a model: whatever is acquired and released, in whatever order."""

import os

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from atalanta.buffers import BufferPool
from atalanta.errors import BufferLimitError, InputError

#: The pool is the same on every instruction set.
pytestmark = pytest.mark.skipif("ATALANTA_ISA" in os.environ, reason="does not depend on the instruction set")

SIZES = st.one_of(st.integers(1, 300), st.integers(1, 300_000), st.integers(1, 3_000_000))
TAGS = st.sampled_from([None, "a", "b"])


class PoolMachine(RuleBasedStateMachine):
    """Live bytes, contents, limits and leaks are those of the model."""

    arrays = Bundle("arrays")

    def __init__(self):
        super().__init__()
        self.pool = BufferPool(reserve=1 << 30)
        self.blocks = {}  # address to bytes of the block
        self.tagged = {"a": 0, "b": 0}
        self.limit = None
        self.turn = 0

    @rule(target=arrays, nbytes=SIZES, tag=TAGS)
    def acquire(self, nbytes, tag):
        before = self.live()
        try:
            array = self.pool.acquire(nbytes, np.uint8, tag)
        except BufferLimitError:
            assert self.limit is not None
            assert before + nbytes > self.limit or before + self.block_bytes(nbytes) > self.limit
            return None
        address = array.ctypes.data
        assert address not in self.blocks
        assert 0 == address % 64
        self.blocks[address] = self.block_bytes(nbytes)
        assert nbytes <= self.blocks[address]
        assert self.limit is None or self.live() <= self.limit
        if tag is not None:
            self.tagged[tag] += 1
        self.turn += 1
        array[:] = self.turn % 251
        return [array, self.turn % 251]

    @rule(held=consumes(arrays))
    def release(self, held):
        if held is None:
            return
        array, mark = held
        assert (array == mark).all()
        del self.blocks[array.ctypes.data]
        held.clear()

    @rule(held=arrays)
    def view(self, held):
        """A view keeps the contents whatever else happens."""
        if held:
            assert held[0][-1] == held[1]

    @rule()
    def trim(self):
        self.pool.trim()

    @rule(limit=st.one_of(st.none(), st.integers(1, 8_000_000)))
    def set_limit(self, limit):
        try:
            self.pool.set_limit(limit)
        except InputError:
            assert limit < self.live()
        else:
            assert limit is None or limit >= self.live()
            self.limit = limit

    @rule(guard=st.sampled_from(["off", 3]))
    def guard(self, guard):
        """Blocks with a guard may be of the next class, so the model asks for their size."""
        self.pool.set_guard(guard)

    @invariant()
    def the_pool_agrees(self):
        seen = self.pool.statistics()
        leaks = {block.address: block.block_bytes for block in self.pool.leaks()}
        assert self.blocks.keys() == leaks.keys()
        assert sum(leaks.values()) == seen.live_bytes
        assert seen.live_bytes <= seen.held_bytes
        assert 0 == seen.faults
        for tag, acquires in self.tagged.items():
            assert acquires == (seen.tags[tag].acquires if tag in seen.tags else 0)

    def live(self):
        return self.pool.statistics().live_bytes

    def block_bytes(self, nbytes):
        from atalanta import _core

        return _core.pool_block_bytes(self.pool, nbytes + 16)

    def teardown(self):
        self.blocks.clear()


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)

"""For csrc/bind/reliability/awaited_type.cpp: an awaited call that is driven, thrown into or closed from within itself."""

import subprocess
import sys

import pytest

CODE = """
import gc, types
from atalanta.reliability import Policy

@types.coroutine
def pause():
    yield

box, told = [], []

def again(how):
    try:
        getattr(box[0], how)(*{{"send": [None], "throw": [OSError("x")], "close": []}}[how])
    except BaseException as error:
        told.append(f"{{type(error).__name__}}: {{error}}")

async def work():
    try:
        if "{when}" == "running":
            again("{how}")
        await pause()
    finally:
        if "{when}" == "closing":
            again("{how}")
    return 5

policy = Policy("p", bulkhead=1)
call = policy.acall(work)
box.append(call)
call.send(None)
if "{when}" == "running":
    try:
        call.send(None)
    except StopIteration as end:
        assert end.value.value == 5
else:
    call.close()
gc.collect()
assert told == ["ValueError: coroutine already executing"], told
assert policy.inside == 0
"""


@pytest.mark.parametrize("how", ["send", "throw", "close"])
@pytest.mark.parametrize("when", ["running", "closing"])
def test_an_awaited_call_that_is_driven_from_within_itself_says_so_and_lives(when, how):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(when=when, how=how)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "made", ["_core.Schedules([[(0.1, 1.0)]])", "_core.RouterCore(tuple, 1)"], ids=["Schedules", "RouterCore"]
)
def test_what_cannot_be_pickled_says_so(made):
    """And does not end the process."""
    code = f"import pickle\nfrom atalanta import _core\ntry:\n    pickle.dumps({made}, 1)\nexcept TypeError as error:\n    print(error)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert 0 == done.returncode, done.stderr
    assert done.stdout.strip().endswith("cannot be pickled")

"""Types of the extension; checked against it by stubtest."""

import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from types import GenericAlias
from typing import (
    Any,
    Generic,
    Literal,
    ParamSpec,
    Self,
    SupportsFloat,
    SupportsIndex,
    SupportsInt,
    TypeAlias,
    TypeVar,
    final,
    overload,
)

import numpy as np
import numpy.typing as npt
from typing_extensions import CapsuleType, disjoint_base

from atalanta.compute.router.decision import Decision
from atalanta.pricing.dividends import Dividends, DividendsLike, Schedule

_Scalar = TypeVar("_Scalar", bound=np.generic)
_Allocator: TypeAlias = Pool | tuple[str, int, int]
_Doubles: TypeAlias = npt.NDArray[np.float64]
_Exercise: TypeAlias = Literal["european", "american"]
_Tolerance: TypeAlias = Literal["fast", "standard", "precise"] | float

VERSION: str

def check_environment() -> None: ...
def cpu_info() -> dict[str, Any]: ...
def select_isa(name: str) -> str: ...
def set_threads(threads: object) -> int: ...
def check_options(origin: str, options: Sequence[npt.ArrayLike]) -> None: ...
def split_column(column: _Doubles, width: int) -> npt.NDArray[np.float32]: ...
def join_pairs(pairs: npt.NDArray[np.float32]) -> _Doubles: ...
def gpu_header() -> str: ...
def gpu_kernels() -> list[dict[str, Any]]: ...
def emulate_kernel(
    name: str, layout: npt.NDArray[np.int32], columns: Sequence[npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]: ...

class Schedules:
    def __init__(self, schedules: Sequence[Schedule]) -> None: ...
    @property
    def longest(self) -> int: ...
    def pairs(self) -> tuple[tuple[tuple[float, float], ...], ...]: ...
    def after(self, years: float) -> Schedules: ...
    def __len__(self) -> int: ...

class Ladders:
    def __init__(
        self,
        right: npt.ArrayLike,
        spot: npt.ArrayLike,
        strike: npt.ArrayLike,
        years: npt.ArrayLike,
        rate: npt.ArrayLike,
        vol: npt.ArrayLike,
        *,
        dividend_yield: npt.ArrayLike,
        exercise: _Exercise,
        dividends: DividendsLike,
        tolerance: _Tolerance,
        threads: int | None,
    ) -> None: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def spots(self) -> tuple[Any, Any]: ...
    @property
    def exercised(self) -> tuple[Any, Any]: ...
    def at(self, spot: npt.ArrayLike) -> tuple[Any, Any, Any, Any]: ...
    def state(self) -> tuple[_Doubles, _Doubles]: ...
    @staticmethod
    def restored(shape: tuple[int, ...], profiles: _Doubles, nodes: _Doubles) -> Ladders: ...

class VolLadders:
    def __init__(
        self,
        *,
        right: npt.NDArray[np.int8],
        spot: _Doubles,
        strike: _Doubles,
        years: _Doubles,
        rate: _Doubles,
        dividend_yield: _Doubles,
        american: npt.NDArray[np.uint8],
        schedules: Schedules | None,
        schedule: npt.NDArray[np.int32],
        levels: _Doubles,
        reach: tuple[float, float],
        tolerance: float,
        threads: int | None,
    ) -> None: ...
    @property
    def solves(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def values(self, spot: _Doubles, vol: _Doubles, threads: int | None = 1) -> _Doubles: ...
    def present(self, spot: _Doubles, vol: _Doubles) -> _Doubles: ...
    def __len__(self) -> int: ...

class BookGrid:
    def __init__(
        self,
        *,
        spots: _Doubles,
        vols: _Doubles,
        points: bool,
        weight: _Doubles,
        group: npt.NDArray[np.int32],
        groups: int,
        dropped: _Doubles,
        smile: _Doubles,
    ) -> None: ...
    def add_up(self, ladders: VolLadders, spot: _Doubles, vol: _Doubles, drift: SupportsFloat) -> bool: ...
    def totals(self, ladders: VolLadders, spot: _Doubles, vol: _Doubles) -> _Doubles: ...

MOST_VOL_LEVELS: int

def add_up(values: _Doubles, weight: _Doubles, group: npt.NDArray[np.int32], groups: int) -> _Doubles: ...
@overload
def price(
    right: int | str,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    vol: float,
    *,
    dividend_yield: float = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    out: None = None,
    threads: int | None = None,
) -> float: ...
@overload
def price(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    out: _Doubles | None = None,
    threads: int | None = None,
) -> _Doubles: ...
@overload
def greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: None = None,
    tolerance: _Tolerance = "standard",
    order: int = 1,
    out: _Doubles | None = None,
    threads: int | None = None,
) -> _Doubles | tuple[float, ...]: ...
@overload
def greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: Schedule | Dividends,
    tolerance: _Tolerance = "standard",
    order: int = 1,
    out: _Doubles | None = None,
    threads: int | None = None,
) -> tuple[_Doubles | tuple[float, ...], _Doubles]: ...
@overload
def greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    order: int = 1,
    out: _Doubles | None = None,
    threads: int | None = None,
) -> _Doubles | tuple[float, ...] | tuple[_Doubles | tuple[float, ...], _Doubles]: ...
@overload
def implied_vol(
    price: float,
    right: int | str,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    *,
    dividend_yield: float = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    start: float | None = None,
    full_output: Literal[False] = False,
    out: None = None,
    threads: int | None = None,
) -> float: ...
@overload
def implied_vol(
    price: npt.ArrayLike,
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    start: npt.ArrayLike | None = None,
    full_output: Literal[False] = False,
    out: _Doubles | None = None,
    threads: int | None = None,
) -> _Doubles: ...
@overload
def implied_vol(
    price: npt.ArrayLike,
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    start: npt.ArrayLike | None = None,
    full_output: Literal[True],
    out: _Doubles | None = None,
    threads: int | None = None,
) -> tuple[_Doubles, npt.NDArray[np.uint8]]: ...
def early_exercise(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    threads: int | None = None,
) -> tuple[Any, ...]: ...
def exercise_boundary(
    right: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    remaining: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    threads: int | None = None,
) -> tuple[Any, Any]: ...
@overload
def routed_price(
    right: int | str,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    vol: float,
    *,
    dividend_yield: float = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    out: None = None,
    threads: int | None = None,
    device: str | None = "auto",
) -> float: ...
@overload
def routed_price(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    out: _Doubles | None = None,
    threads: int | None = None,
    device: str | None = "auto",
) -> _Doubles: ...
@overload
def routed_greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: None = None,
    tolerance: _Tolerance = "standard",
    order: int = 1,
    out: _Doubles | None = None,
    threads: int | None = None,
    device: str | None = "auto",
) -> _Doubles | tuple[float, ...]: ...
@overload
def routed_greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: Schedule | Dividends,
    tolerance: _Tolerance = "standard",
    order: int = 1,
    out: _Doubles | None = None,
    threads: int | None = None,
    device: str | None = "auto",
) -> tuple[_Doubles | tuple[float, ...], _Doubles]: ...
@overload
def routed_greeks(
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    vol: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    order: int = 1,
    out: _Doubles | None = None,
    threads: int | None = None,
    device: str | None = "auto",
) -> _Doubles | tuple[float, ...] | tuple[_Doubles | tuple[float, ...], _Doubles]: ...
@overload
def routed_implied_vol(
    price: float,
    right: int | str,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    *,
    dividend_yield: float = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    start: float | None = None,
    full_output: Literal[False] = False,
    out: None = None,
    threads: int | None = None,
    device: str | None = "auto",
) -> float: ...
@overload
def routed_implied_vol(
    price: npt.ArrayLike,
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    start: npt.ArrayLike | None = None,
    full_output: Literal[False] = False,
    out: _Doubles | None = None,
    threads: int | None = None,
    device: str | None = "auto",
) -> _Doubles: ...
@overload
def routed_implied_vol(
    price: npt.ArrayLike,
    right: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    *,
    dividend_yield: npt.ArrayLike = 0.0,
    exercise: _Exercise = "european",
    dividends: DividendsLike = None,
    tolerance: _Tolerance = "standard",
    start: npt.ArrayLike | None = None,
    full_output: Literal[True],
    out: _Doubles | None = None,
    threads: int | None = None,
    device: str | None = "auto",
) -> tuple[_Doubles, npt.NDArray[np.uint8]]: ...

PRIOR_THRESHOLDS: dict[str, int]

_Points: TypeAlias = Sequence[tuple[int, float]]

class RouterCore:
    def __init__(self, decision_type: type[tuple[str, float, str]], seed: int) -> None: ...
    def add_target(self, name: str, tier: str, on_device: bool, transfer_ns_per_byte: float) -> int: ...
    def add_operation(self, name: str, kind: str, bytes_per_element: float) -> int: ...
    def add_alias(self, name: str, operation: int) -> None: ...
    def name_device(self, name: str, targets: int) -> None: ...
    def set_default_tolerance(self, operation: int, error: float) -> None: ...
    def device_mask(self, name: str | None, origin: str) -> int: ...
    def operation_index(self, name: str, origin: str) -> int: ...
    def decide(
        self,
        operation: str,
        work: int,
        *,
        tolerance: float | None = None,
        deadline: float | None = None,
        residency: str | None = None,
        device: str | None = None,
    ) -> Decision: ...
    def choose(
        self,
        operation: int,
        work: int,
        tolerance: float,
        among: int,
        deadline_ns: float | None,
        on_device: bool,
        now_ns: int,
        origin: str,
    ) -> tuple[int, str, bool]: ...
    def prediction(
        self, operation: int, target: int, work: int, on_device: bool = False
    ) -> dict[str, Any]: ...
    def time_decisions(self, operation: int, rounds: int) -> float: ...
    def allow(self, operation: int, target: int, error: float) -> None: ...
    def calibrate(self, operation: int, target: int, points: _Points) -> None: ...
    def join(self, operation: int, target: int, work: float) -> None: ...
    def pin(self, operation: int, target: int | None) -> None: ...
    def set_threshold(self, operation: int, work: int) -> None: ...
    def set_deterministic(self, on: bool) -> None: ...
    def observe(
        self,
        operation: int,
        target: int,
        work: int,
        ns: float,
        probe: bool = False,
        on_device: bool = False,
        permit: int = ...,
    ) -> bool: ...
    def fail(self, target: int, now_ns: int, permit: int = ...) -> int: ...
    def permit(self, target: int) -> int: ...
    def breaker(self, target: int) -> Breaker: ...
    def refresh_health(self) -> None: ...
    def failures(self, target: int) -> int: ...
    @property
    def exploration_ns(self) -> float: ...

def install_router(core: RouterCore, one_thread: int, pool: int, run_elsewhere: object) -> None: ...
def encode_calibration(fingerprint: str, curves: Sequence[tuple[str, str, _Points]]) -> str: ...
def decode_calibration(text: str) -> tuple[str, list[tuple[str, str, list[tuple[int, float]]]]]: ...

@final
class Buffer:
    @property
    def nbytes(self) -> int: ...
    @property
    def pool(self) -> Pool: ...
    @property
    def address(self) -> int: ...
    @property
    def released(self) -> bool: ...
    def release(self) -> None: ...
    if sys.version_info >= (3, 12):
        def __buffer__(self, flags: int, /) -> memoryview: ...
    def __dlpack__(self, **options: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...

@disjoint_base
class Pool:
    def __new__(
        cls,
        *,
        limit: int = 0,
        cache: int = 0,
        reserve: int = 0,
        idle_ms: int = 0,
        idle_bytes: int = -1,
        guard_every: int = 0,
        page: int = 0,
        prefault: bool = True,
        shared: bool = False,
    ) -> Self: ...
    @overload
    def acquire(
        self, shape: SupportsIndex | Sequence[SupportsIndex], *, tag: str | None = None
    ) -> npt.NDArray[np.float64]: ...
    @overload
    def acquire(
        self,
        shape: SupportsIndex | Sequence[SupportsIndex],
        dtype: type[_Scalar] | np.dtype[_Scalar],
        tag: str | None = None,
    ) -> npt.NDArray[_Scalar]: ...
    @overload
    def acquire(
        self,
        shape: SupportsIndex | Sequence[SupportsIndex],
        dtype: npt.DTypeLike = ...,
        tag: str | None = None,
    ) -> npt.NDArray[Any]: ...
    def buffer(self, nbytes: SupportsIndex, tag: str | None = None) -> Buffer: ...

def pool_figures(pool: Pool) -> dict[str, Any]: ...
def pool_tags(pool: Pool) -> dict[str, dict[str, Any]]: ...
def pool_live_blocks(pool: Pool) -> list[tuple[str, int, int, float | None, int]]: ...
def pool_faults(pool: Pool) -> list[tuple[str, str, int, int]]: ...
def pool_trim(pool: Pool) -> int: ...
def pool_relieve(pool: Pool, for_ms: int) -> int: ...
def pool_set_limit(pool: Pool, bytes: int) -> bool: ...
def pool_set_guard(pool: Pool, every: int) -> None: ...
def pool_guard(pool: Pool) -> int: ...
def pool_watch(pool: Pool, file: int) -> None: ...
def pool_unwatch(pool: Pool, file: int) -> None: ...
def pool_owns(pool: Pool, address: int) -> bool: ...
def pool_block_bytes(pool: Pool, bytes: int) -> int: ...
def pool_prediction(pool: Pool, tag: str) -> tuple[int, str, float] | None: ...
def pool_start_recording(pool: Pool) -> None: ...
def pool_stop_recording(
    pool: Pool,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint64], npt.NDArray[np.uint32], list[str]]: ...
def numpy_handler(pool: Pool, least_bytes: int, tag: str, fall_back: bool) -> object: ...
def set_numpy_handler(handler: object) -> object: ...
def allocator_pair_ns(allocator: _Allocator, bytes: int, held: int, pairs: int, rounds: int) -> float: ...
def allocator_replay(
    allocator: _Allocator,
    blocks: npt.NDArray[np.uint32],
    bytes: npt.NDArray[np.uint64],
    sample_every: int,
) -> dict[str, Any] | None: ...
def predictor_hit_rates(sizes: npt.NDArray[np.uint64]) -> dict[str, float]: ...
def resident_bytes() -> int: ...
def touching_ns() -> int: ...

_Value_co = TypeVar("_Value_co", covariant=True)
_Other = TypeVar("_Other")
_Parameters = ParamSpec("_Parameters")
_Mode: TypeAlias = Literal["automatic", "forced_open", "disabled", "metrics_only"]

DEADLINE: ContextVar[float]

def monotonic() -> float: ...
def new_alternatives() -> CapsuleType: ...
def available_alternatives(alternatives: CapsuleType) -> int: ...
def join_alternatives(alternatives: CapsuleType) -> None: ...
def time_guard(breaker: Breaker, calls: int, read_clock: bool) -> float: ...

@final
class Answer(Generic[_Value_co]):
    """A value, and where it is from."""

    @property
    def value(self) -> _Value_co: ...
    @property
    def source(self) -> str: ...
    @property
    def age(self) -> float: ...
    @property
    def late(self) -> bool: ...
    @property
    def cause(self) -> BaseException | None: ...
    def __new__(
        cls,
        value: _Value_co,
        source: str = "live",
        age: float = 0.0,
        late: bool = False,
        cause: BaseException | None = None,
    ) -> Self: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

@disjoint_base
class Breaker:
    def __new__(
        cls,
        *,
        consecutive: int = 5,
        window: float = 30.0,
        failure_ratio: float = 0.0,
        slow_ratio: float = 0.0,
        slow: float = 0.0,
        min_calls: int = 20,
        open_for: float = 30.0,
        max_open: float = 240.0,
        jitter: float = 0.1,
        probes: int = 1,
        close_after: int = 1,
        probe_timeout: float = 30.0,
        clock: Callable[[], float] | None = None,
        random: Callable[[], float] | None = None,
        alternatives: CapsuleType | None = None,
        shared_with: Breaker | None = None,
    ) -> Self: ...
    @property
    def state(self) -> Literal["closed", "open", "half_open"]: ...
    @property
    def mode(self) -> _Mode: ...
    @property
    def generation(self) -> int: ...
    @property
    def failures_in_a_row(self) -> int: ...
    @property
    def retry_after(self) -> float: ...
    def enter(self) -> int | None: ...
    def succeed(self, permit: int, took: float = ..., /) -> None: ...
    def fail(self, permit: int, took: float = ..., /) -> None: ...
    def cancel(self, permit: int, /) -> None: ...
    def set_mode(self, mode: _Mode, /) -> _Mode: ...
    def reset(self) -> None: ...
    def figures(self) -> dict[str, int]: ...
    def _changed(self, change: str, cause: str, generation: int, open_for: float, /) -> None: ...

@disjoint_base
class PolicyCore:
    def __new__(
        cls,
        *,
        breaker: Breaker | None = None,
        clock: Callable[[], float] | None = None,
        deadline: float = 0.0,
        bulkhead: int = 0,
        token_gain: float = 0.0,
        most_tokens: float = 0.0,
        direct: bool = True,
        timed: bool = False,
    ) -> Self: ...
    @property
    def inside(self) -> int: ...
    @overload
    def call(  # of a function that is behind a policy itself: one answer, not two
        self,
        function: Callable[_Parameters, Answer[_Other]],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> Answer[_Other]: ...
    @overload
    def call(
        self,
        function: Callable[_Parameters, _Other],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> Answer[_Other]: ...
    @overload
    def acall(
        self,
        function: Callable[_Parameters, Awaitable[Answer[_Other]]],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> Coroutine[Any, Any, Answer[_Other]]: ...
    @overload
    def acall(
        self,
        function: Callable[_Parameters, Awaitable[_Other]],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> Coroutine[Any, Any, Answer[_Other]]: ...
    def counts(self) -> dict[str, int]: ...
    def _admit(self) -> Ticket | str: ...
    def _take_token(self) -> bool: ...
    def _count(self, name: str, /) -> None: ...

@final
class Ticket:
    @property
    def deadline(self) -> float | None: ...
    def succeed(self, value: _Other, /) -> Answer[_Other]: ...
    def fail(self) -> None: ...
    def cancel(self) -> None: ...
    def again(self) -> bool: ...
    def close(self) -> None: ...

@final
class Awaited:
    """What `Policy.acall` returns: a coroutine."""

    def __await__(self) -> Self: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...
    def send(self, value: object, /) -> Any: ...
    def throw(self, type: Any, value: Any = ..., traceback: Any = ..., /) -> Any: ...
    def close(self) -> None: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...

def stream_records() -> tuple[np.dtype[np.void], np.dtype[np.void]]: ...

class ProducerCore:
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    def push_many(self, events: npt.NDArray[np.void]) -> int: ...
    def push_paced(self, events: npt.NDArray[np.void]) -> int: ...
    def stop_pacing(self) -> None: ...
    def push(
        self,
        key: SupportsInt,
        bid: SupportsFloat,
        ask: SupportsFloat,
        time_ns: SupportsInt,
        sequence: SupportsInt = 0,
        kind: SupportsInt = 0,
        sides: SupportsInt = 3,
        source: SupportsInt = 0,
        bid_size: SupportsFloat = 0.0,
        ask_size: SupportsFloat = 0.0,
        intended_ns: SupportsInt = 0,
        ticket: SupportsInt = 0,
        tag: SupportsInt = 0,
    ) -> bool: ...
    @property
    def waiting(self) -> int: ...
    @property
    def capacity(self) -> int: ...
    @property
    def refused(self) -> int: ...

class OutletCore:
    def __init__(self, *args: object, **kwargs: object) -> None: ...
    def take(self, most: SupportsInt) -> npt.NDArray[np.void]: ...
    def wait_for_more(self) -> bool: ...
    def clear_wake(self) -> None: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    @property
    def waiting(self) -> int: ...
    @property
    def offered(self) -> int: ...
    @property
    def missed(self) -> int: ...
    @property
    def taken(self) -> int: ...

class EngineCore:
    def __init__(
        self,
        universe: dict[str, Any],
        settings: dict[str, Any],
        tolerance: SupportsFloat,
        risk_stages: list[Any],
        scenarios: dict[str, Any] | None,
    ) -> None: ...
    def producer(self) -> ProducerCore: ...
    def outlet(self, capacity: SupportsInt, wanted: str) -> OutletCore: ...
    def pump(self) -> int: ...
    def start(self, executor: str, processor: SupportsInt) -> None: ...
    def stop(self, drain: bool) -> None: ...
    @property
    def running(self) -> bool: ...
    def refresh(self) -> bool: ...
    def set_positions(self, quantities: npt.NDArray[np.float64]) -> None: ...
    def restart_source(self, source: SupportsInt) -> None: ...
    def clear_histograms(self) -> None: ...
    def account(self) -> dict[str, Any]: ...
    def book(self) -> dict[str, Any]: ...
    def books(self) -> npt.NDArray[np.float64]: ...
    def scenarios(self) -> dict[str, Any]: ...
    def histograms(self) -> dict[str, Any]: ...
    def contracts(self) -> npt.NDArray[np.float64]: ...
    def forwards(self) -> dict[str, npt.NDArray[Any]]: ...
    def underlyings(self) -> npt.NDArray[np.float64]: ...
    def gaps(self) -> npt.NDArray[np.int64]: ...

def monotonic_ns() -> int: ...
def histogram_edges() -> npt.NDArray[np.uint64]: ...
def stream_record_ns(values: npt.NDArray[np.uint64], rounds: SupportsInt) -> float: ...
def stream_saturated_ns(
    engine: EngineCore,
    producer: ProducerCore,
    events: npt.NDArray[np.void],
    rounds: SupportsInt,
    at_a_time: SupportsInt,
) -> float: ...
def stream_market_stage_ns(
    engine: EngineCore, events: npt.NDArray[np.void], rounds: SupportsInt
) -> float: ...
def stream_open_loop(
    producer: ProducerCore, events: npt.NDArray[np.void], rate: SupportsFloat, seconds: SupportsFloat
) -> dict[str, Any]: ...

"""The proxy over real sockets: each fault does what it says, and a policy answers through all of them."""

import asyncio
import contextlib
import gc
import socket
import socketserver
import sys
import threading
import time
import warnings

import pytest

from atalanta.errors import InputError
from atalanta.reliability import Breaker, Fallback, Policy
from atalanta.testing import FaultProxy


class _Echo(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            while data := self.request.recv(65_536):
                self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@pytest.fixture
def server():
    with _Server(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(server):
    with FaultProxy(*server.server_address) as proxy:
        yield proxy


def ask(port, data=b"hello", timeout=10.0):
    """What comes back; an early end is an error."""
    with socket.create_connection(("127.0.0.1", port), timeout) as client:
        client.settimeout(timeout)
        client.sendall(data)
        answer = b""
        while len(answer) < len(data):
            piece = client.recv(65_536)
            if not piece:
                raise ConnectionError(f"ended after {len(answer)} bytes")
            answer += piece
        return answer


def test_without_faults_everything_passes(proxy):
    data = bytes(range(256)) * 4_000
    assert ask(proxy.port, data) == data
    assert (proxy.accepted, proxy.passed) == (1, 2 * len(data))


def test_who_holds_an_answer_finds_it_counted(proxy):
    # Threads change places so often that counting after sending is found out in every second question.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for asked in range(1, 31):
            ask(proxy.port)
            assert proxy.passed == asked * 2 * len(b"hello")
    finally:
        sys.setswitchinterval(interval)


def test_a_delay_holds_data_back_in_both_directions(proxy):
    proxy.delay(0.05)
    begin = time.monotonic()
    assert ask(proxy.port) == b"hello"
    assert time.monotonic() - begin >= 0.1


def test_a_reset_ends_what_is_connected_and_what_comes(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), 10.0) as client:
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    with pytest.raises(OSError):
        ask(proxy.port)
    proxy.heal()
    assert ask(proxy.port) == b"hello"


def test_a_black_hole_accepts_and_never_answers(proxy):
    proxy.black_hole()
    with pytest.raises(TimeoutError):
        ask(proxy.port, timeout=0.05)
    proxy.heal()
    assert ask(proxy.port) == b"hello"


def test_what_is_connected_falls_into_the_black_hole_too(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), 10.0) as client:
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        proxy.black_hole()
        client.sendall(b"two")
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(10)


def test_truncation_cuts_an_answer_off(proxy):
    proxy.truncate(3)
    with pytest.raises(ConnectionError, match="ended after 3 bytes"):
        ask(proxy.port)


def test_garbling_changes_bytes_and_not_their_number(proxy):
    proxy.garble(0.5)
    data = bytes(1_000)
    answer = ask(proxy.port, data)
    changed = sum(map(bool, answer))
    assert len(answer) == 1_000
    assert 400 < changed < 600
    proxy.garble(1.0)
    assert all(ask(proxy.port, data))


def test_a_server_that_is_not_there_ends_the_connection():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with FaultProxy("127.0.0.1", port) as proxy, pytest.raises(OSError):
        ask(proxy.port)


def test_outside_with_it_is_refused(server):
    proxy = FaultProxy(*server.server_address)
    with pytest.raises(InputError, match="it is not running"):
        proxy.reset()
    proxy._loop.close()


@pytest.mark.parametrize("set_it", ["delay", "garble"])
def test_a_fault_of_no_size_is_refused(proxy, set_it):
    with pytest.raises(InputError, match=rf"testing.FaultProxy.{set_it}"):
        getattr(proxy, set_it)(0.0)


def faults():
    yield "delay", lambda proxy: proxy.delay(0.5)
    yield "reset", lambda proxy: proxy.reset()
    yield "black hole", lambda proxy: proxy.black_hole()
    yield "truncate", lambda proxy: proxy.truncate(2)
    yield "garble", lambda proxy: proxy.garble(1.0)


@pytest.mark.parametrize("awaited", [False, True], ids=["call", "acall"])
@pytest.mark.parametrize(("_name", "break_it"), list(faults()), ids=[name for name, _ in faults()])
def test_a_policy_answers_through_every_fault_and_recovers(proxy, _name, break_it, awaited):
    """All answers come; the breaker opens; when the fault is over, a live one comes back."""
    policy = Policy(
        "echo",
        deadline=0.2,
        breaker=Breaker("echo", failures=2, open_for=0.05, max_open=0.1),
        fallback=Fallback("kept", lambda: b"kept"),
    )

    def checked(answer):
        if answer != b"hello":
            raise ConnectionError(f"garbled: {answer!r}")
        return answer

    def fetch():
        return checked(ask(proxy.port, timeout=0.2))

    async def afetch():
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            writer.write(b"hello")
            return checked(await reader.readexactly(5))
        except EOFError as error:
            raise ConnectionError from error
        finally:
            writer.close()

    def one():
        return asyncio.run(policy.acall(afetch)) if awaited else policy.call(fetch)

    assert one().source == "live"
    break_it(proxy)
    broken = [one() for _ in range(4)]
    assert [answer.source for answer in broken] == ["fallback:kept"] * 4
    assert policy.breaker.state == "open"
    proxy.heal()
    for _ in range(2_000):
        if one().source == "live":
            break
        time.sleep(0.005)
    assert policy.breaker.state == "closed"


def test_connections_of_its_last_moment_are_closed_with_it():
    """Accepted, and not yet served when it ends: each client sees an end, and no socket is left to the collector."""
    for _ in range(10):
        with quiet() as server, FaultProxy(*server.getsockname()) as proxy:
            clients = [socket.create_connection(("127.0.0.1", proxy.port)) for _ in range(20)]
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            gc.collect()
        for client in clients:
            with client, contextlib.suppress(ConnectionError):
                client.settimeout(10.0)
                assert client.recv(1) == b""
        assert [str(one.message) for one in told if str(proxy.port) in str(one.message)] == []


def quiet():
    return socket.create_server(("127.0.0.1", 0), backlog=64)


def test_what_was_cut_off_does_not_count_as_passed_on(proxy):
    proxy.truncate(3)
    with pytest.raises(ConnectionError):
        ask(proxy.port)
    assert proxy.passed == len(b"hello") + 3


@pytest.mark.parametrize("port", [0, 70_000, "80", True])
def test_a_server_at_a_port_that_is_none_is_refused_and_looks_like_no_fault(port):
    with pytest.raises(InputError, match=r"\[testing.FaultProxy\] port is"):
        FaultProxy("127.0.0.1", port)

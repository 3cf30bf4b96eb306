"""`atalanta stream` and `atalanta publish`: quotes through the engine, and to others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from atalanta.cli.commands.shared import Debug, watched_live
from atalanta.cli.endings import FAILED, errors_reported, writing_stdout

__all__ = ["publish", "stream"]

Speed = Annotated[str, typer.Option(help="Of the replay: 1, N times as fast, or max.")]
Seconds = Annotated[
    float | None, typer.Option(help="End after so many; the simulated feed has 10 without it.")
]
Ticks = Annotated[float, typer.Option(help="Simulated ticks a second of market time.")]
FeedRate = Annotated[float, typer.Option(help="Interest rate of a file's contracts, as a decimal.")]
Seed = Annotated[int, typer.Option(help="Of the simulated market.")]


def stream(
    feed: Annotated[
        list[str],
        typer.Option(
            help="sim, a file of ticks (.csv, .csv.gz, .parquet, .dbn, .dbn.zst; several are merged), or "
            "nats://host:port/stream.",
            show_default=False,
        ),
    ],
    book: Annotated[
        Path | None,
        typer.Option(
            help="Positions: .csv, .csv.gz or .parquet with symbol and quantity; all of instruments of the feed.",
            show_default=False,
        ),
    ] = None,
    speed: Speed = "1",
    seconds: Seconds = None,
    ticks: Ticks = 20_000.0,
    rate: FeedRate = 0.0,
    seed: Seed = 7,
    executor: Annotated[str, typer.Option(help="hybrid, pinned or inline.")] = "hybrid",
    every: Annotated[float, typer.Option(help="Seconds from one look to the next.")] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON at each look.")] = False,
    debug: Debug = False,
) -> None:
    """Stream quotes through the engine: volatilities, Greeks, the book, latencies; Ctrl-C ends it with the account.

    The exit code is 1 when the account does not add up.
    """
    with errors_reported(debug):
        from atalanta.cli.stream import StreamRequest, run_stream
        from atalanta.cli.stream_screen import line, screen
        from atalanta.cli.stream_source import Source, parse_speed

        kind: Any = executor
        source = Source(tuple(feed), parse_speed(speed), seconds, ticks, rate, seed)
        request = StreamRequest(source, book, kind, every)
        with writing_stdout():
            if as_json:
                from atalanta.cli.document import dumps

                last = run_stream(request, lambda shown: typer.echo(dumps(line(shown), indent=None)))
            else:
                last = watched_live(
                    lambda show, height: run_stream(request, lambda shown: show(screen(shown, height)))
                )
        if not last.stream.snapshot().exact:
            raise typer.Exit(FAILED)


def publish(
    feed: Annotated[
        list[str], typer.Option(help="sim, or files of ticks, as of stream.", show_default=False)
    ],
    to: Annotated[str, typer.Option(help="nats://host:port/stream.", show_default=False)],
    speed: Speed = "1",
    seconds: Seconds = None,
    ticks: Ticks = 20_000.0,
    rate: FeedRate = 0.0,
    seed: Seed = 7,
    keep: Annotated[float, typer.Option(help="Seconds for which the server keeps events.")] = 3600.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON at each look.")] = False,
    debug: Debug = False,
) -> None:
    """Publish a feed to a NATS server with JetStream, partitioned by underlying; streams anywhere read it.

    Ctrl-C ends it. The exit code is 2 when no connection came about.
    """
    with errors_reported(debug):
        from atalanta.cli.document import dumps
        from atalanta.cli.publish import PublishRequest, Told, run_publish
        from atalanta.cli.stream_source import Source, parse_speed

        source = Source(tuple(feed), parse_speed(speed), seconds, ticks, rate, seed)
        told = Told()
        with writing_stdout():
            run_publish(
                PublishRequest(source, to, keep),
                lambda state: typer.echo(dumps(state, indent=None) if as_json else told.lines(state)),
            )

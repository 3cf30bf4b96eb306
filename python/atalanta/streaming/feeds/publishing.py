"""A feed's events onto a server, at their times, through lost connections. Main entry: `publish_feed`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from atalanta.errors import BreakerOpenError
from atalanta.reliability import Policy
from atalanta.streaming.errors import FeedError
from atalanta.streaming.feeds.iteration import batches_of, require_feed, require_patience
from atalanta.streaming.feeds.nats_publisher import NatsPublisher
from atalanta.streaming.feeds.pacing import when_due
from atalanta.streaming.feeds.protocol import Events, Feed
from atalanta.streaming.feeds.session import feed_policy
from atalanta.streaming.universe import Universe

__all__ = ["PublishReport", "publish_feed"]

_LEAST_WAIT = 0.001


@dataclass
class PublishReport:
    """Events and messages that the server has, how often it was connected, and the last failure as text."""

    events: int = 0
    messages: int = 0
    connections: int = 0
    failure: str = ""


async def publish_feed(
    feed: Feed,
    publisher: NatsPublisher,
    universe: Universe,
    *,
    policy: Policy | None = None,
    give_up_after: int = 20,
    report: PublishReport | None = None,
) -> PublishReport:
    """Publish all that a feed brings, each event when it is due, until the feed ends or the task is cancelled.

    A lost connection to the server is made again through the policy; what it had not acknowledged is sent then, once. A
    feed that loses its own connection ends the publishing with what it raised.

    Args:
        feed: where the events come from.
        publisher: where they go; closed at the end.
        universe: of the publisher.
        policy: around connecting; None for that of feeds.
        give_up_after: failures in a row that are borne.
        report: filled while it runs, for whoever watches it.

    Raises:
        FeedError: too many failures in a row.
        InputError: what the feed gives are no events of this universe, or `give_up_after` is below 1.
    """
    require_patience(give_up_after, "streaming.publish_feed")
    require_feed(feed, "streaming.publish_feed")
    policy = feed_policy("publisher") if policy is None else policy
    report = PublishReport() if report is None else report
    try:
        await _connect(publisher, policy, give_up_after, report)
        await feed.connect()
        await feed.subscribe(universe)
        async with batches_of(feed) as batches:
            async for events in batches:
                async for due in when_due(events):
                    await _publish(publisher, due, policy, give_up_after, report)
        return report
    finally:
        await publisher.close()
        await feed.close()


async def _publish(
    publisher: NatsPublisher, due: Events, policy: Policy, most: int, report: PublishReport
) -> None:
    """The publisher keeps what it could not send, so the batch counts either way."""
    try:
        report.messages += await publisher.publish(due)
    except FeedError as error:
        report.failure = str(error)
        await _connect(publisher, policy, most, report)
    report.events += len(due)


async def _connect(publisher: NatsPublisher, policy: Policy, most: int, report: PublishReport) -> None:
    for failures in range(1, most + 1):
        try:
            await policy.acall(publisher.connect)
        except BreakerOpenError as error:
            await asyncio.sleep(max(error.retry_after, _LEAST_WAIT))
        except FeedError as error:
            report.failure = str(error)
            if failures == most:
                raise
        else:
            report.connections += 1
            return

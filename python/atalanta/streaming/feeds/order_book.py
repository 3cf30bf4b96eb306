"""The best bid and ask of a market by order. Main entry: `OrderBook`."""

from __future__ import annotations

import heapq

__all__ = ["OrderBook"]


class _Side:
    """Sizes by price; the best price lies on top of a heap from which prices that are gone are taken when met."""

    def __init__(self, sign: int) -> None:
        self._sign = sign  # +1: the lowest price is the best
        self._sizes: dict[int, int] = {}
        self._heap: list[int] = []

    def change(self, price: int, by: int) -> None:
        size = self._sizes.get(price, 0) + by
        if size > 0:
            if price not in self._sizes:
                heapq.heappush(self._heap, self._sign * price)
            self._sizes[price] = size
        else:
            self._sizes.pop(price, None)

    def best(self) -> tuple[int, int] | None:
        while self._heap:
            price = self._sign * self._heap[0]
            if price in self._sizes:
                return price, self._sizes[price]
            heapq.heappop(self._heap)
        return None


class OrderBook:
    """The orders of one instrument. Prices are whole numbers of whatever unit.

    Attributes:
        unknown: changes to orders that the book does not have: it was not there from the beginning.
    """

    def __init__(self) -> None:
        self.unknown = 0
        self.clear()

    def clear(self) -> None:
        """No orders."""
        self._orders: dict[int, tuple[str, int, int]] = {}
        self._sides = {"B": _Side(-1), "A": _Side(1)}

    def add(self, order: int, side: str, price: int, size: int) -> None:
        """A new order, or one in the place of another of its number."""
        self._take_out(order)
        if side in self._sides and size > 0:
            self._orders[order] = (side, price, size)
            self._sides[side].change(price, size)

    def cancel(self, order: int, size: int) -> None:
        """So much of an order goes."""
        known = self._orders.get(order)
        if known is None:
            self.unknown += 1
            return
        side, price, left = known
        gone = min(size, left)
        self._sides[side].change(price, -gone)
        if gone == left:
            del self._orders[order]
        else:
            self._orders[order] = (side, price, left - gone)

    def modify(self, order: int, side: str, price: int, size: int) -> None:
        """An order has another price or size; one that is not known is added."""
        self.unknown += order not in self._orders
        self.add(order, side, price, size)

    def best(self) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """(price, size) of the best bid and of the best ask; None for a side without orders."""
        return self._sides["B"].best(), self._sides["A"].best()

    def _take_out(self, order: int) -> None:
        known = self._orders.pop(order, None)
        if known is not None:
            self._sides[known[0]].change(known[1], -known[2])

"""Listed options under the clock: American exercise with a yield or with cash dividends; rows, calls, errors, targets."""

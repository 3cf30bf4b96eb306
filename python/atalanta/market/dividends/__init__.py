"""Cash dividends: where they come from, and the calendar they make."""

"""The streaming engine measured: what an event costs, what it waits for, what happens under too much."""

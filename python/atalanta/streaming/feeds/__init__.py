"""Feeds: where events come from. One small protocol, the simulator, replays of files, and sessions that keep one going."""

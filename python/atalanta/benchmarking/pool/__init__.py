"""Measuring the buffer pool beside other allocators. Main entry: `session.run_pool_session`."""

"""Chains read from files and data frames: opened, recognised, converted and judged. Main entry: `readers.read_chain`."""

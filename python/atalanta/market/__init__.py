"""Market data: option chains read, checked, analysed and simulated. The public names are re-exported by `atalanta`."""

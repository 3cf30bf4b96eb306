"""The command line: `atalanta demo`, `chain`, `doctor`, `bench`."""

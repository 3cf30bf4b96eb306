"""The commands of `atalanta`: their options, and what is done with them. Modules are imported with the command line."""

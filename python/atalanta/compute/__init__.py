"""Where an operation runs: the devices of this machine and, above them, the choice between them."""

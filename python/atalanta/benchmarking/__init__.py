"""Speed and accuracy of the kernels, alone and beside other libraries: workloads, interleaved timing, peers.

Main entry: `benchmarking.session.run_session`. Ratios come from one run on one core; times of two runs are not compared.
"""

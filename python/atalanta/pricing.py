"""Option pricing over columns: the CPU kernels under their public names."""

from atalanta._core import greeks, implied_vol, price

__all__ = ["greeks", "implied_vol", "price"]

"""Binance spot and USDT-margined futures."""

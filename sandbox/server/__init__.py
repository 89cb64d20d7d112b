"""The sandbox exchange's face: Binance's REST and websocket interfaces over the core, in one process on one port."""

"""The processes that stand between the flow and a venue account: `python -m execution.gateways`."""

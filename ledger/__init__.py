"""Pure: intents, the order state machine, fills, positions, cash, P&L. Nobody else adds up a position."""

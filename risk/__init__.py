"""Pure: limits, pre-trade checks, sizing, exposure, VaR and ES, stress, portfolio optimisation."""

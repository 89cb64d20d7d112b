"""Order management: journal, router, algos, fill models, reconciliation; gateways at its edge."""

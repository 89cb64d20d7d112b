"""Largest remainder: shares a whole number out so that the parts always add up."""

from __future__ import annotations

from collections.abc import Sequence


def allot(amount: int, weights: Sequence[int]) -> list[int]:
    """Parts of `amount` in proportion to `weights` that sum to it exactly.

    Amount and weights may have either sign, but the weights may not sum to 0. The largest remainders take
    what is left over, the earlier first. Where the weights' sum is no smaller than the amount, no part
    exceeds its weight. `allot(-a, w)` is `-allot(a, w)`.
    """
    if len(weights) == 1 and weights[0]:  # the usual case: all belongs to one
        return [amount]
    if amount < 0:
        return [-part for part in allot(-amount, weights)]
    total = sum(weights)
    if total < 0:
        total, weights = -total, [-weight for weight in weights]
    quotas = [divmod(amount * weight, total) for weight in weights]
    parts = [quotient for quotient, _ in quotas]
    left = amount - sum(parts)
    for index in sorted(range(len(parts)), key=lambda i: -quotas[i][1])[:left]:
        parts[index] += 1
    return parts

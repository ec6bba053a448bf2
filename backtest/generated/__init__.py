"""A seeded, synthetic market that plays like a recording; what it is and is not: docs/generated-market.md."""

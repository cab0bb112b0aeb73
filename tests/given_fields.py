"""Given fields: what a kind is nothing without, for tests that try every kind as it is."""

GIVEN = {'weights': {'sha256': '0' * 64}}

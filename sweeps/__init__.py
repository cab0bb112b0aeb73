"""How it is answered: plan -> pack -> train -> record."""

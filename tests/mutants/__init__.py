"""How many changed lines of the program its tests notice: `make mutants`."""

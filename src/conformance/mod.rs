//! Who judges and how: the catalogue, the steps of a scenario, verdicts.

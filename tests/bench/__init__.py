"""The measures that `make bench` prints: ratios within one run, never seconds to be proud of."""

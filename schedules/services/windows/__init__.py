"""Record facts, evaluate protocol windows, settle flags."""

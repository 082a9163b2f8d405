"""From a protocol and one participant's anchors to a dated plan. Start at `projection.project`."""

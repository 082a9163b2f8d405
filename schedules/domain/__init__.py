"""When visits come: the date engine, in plain Python. Start reading at `projection.project`."""

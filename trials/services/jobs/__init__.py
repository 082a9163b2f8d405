"""Long work in the background: asked for, done by one worker, watched and cancelled."""

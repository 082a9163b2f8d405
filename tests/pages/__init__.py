"""Every page of ours on the demo, in a browser: pictures, axe, and what a first load weighs."""

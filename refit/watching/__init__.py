"""The live table of a site: what the historian says over HTTP, and how it is shown."""

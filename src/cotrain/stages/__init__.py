"""One thin file a stage: read files and settings, call the library, write files. No science."""

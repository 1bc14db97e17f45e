"""A page to look at while playing, served by a process of its own.

The frames are heard in the process of `barkcluster live`, which hands what it knows to this one
over a pipe (`feed`) and never waits for it. This process remembers (`memory`), searches for motifs
and likenesses (`likeness`), and tells browsers (`server`).
"""

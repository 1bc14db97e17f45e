"""The live page, served by a process of its own.

Frames are heard in the process of `barkcluster live`, which passes readings and frames over a pipe
(`feed`) and never waits for the page. The process of the page keeps them (`memory`), searches for
motifs and similar moments (`likeness`), and serves browsers (`server`).
"""

"""Frames from other programs, readings back to them.

`addresses` says where from and where to; `receiving` takes datagrams, streams and growing files
off the system in one thread; `osc`, `fudi` and `text` make frames and commands of their bytes;
`player` holds a stream for each source; `sinks` sends what it says; `loop` joins them.
"""

"""Live input and output: frames from other programs, readings back to them.

`addresses` says where from and where to; `receiving` takes datagrams, streams and growing files
off the system in one thread, and `connections` decides which clients may stay; `microphone` and
`playback` turn sound and finished files into frames in time. `osc`, `fudi` and `text` make
`messages` of bytes, which hold frames and commands. `player` has a stream for each source, and a
`model_folder`; `sinks` sends what it says, `view` shows it; `loop` joins them.
"""

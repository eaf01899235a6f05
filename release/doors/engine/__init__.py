"""The door to Pulumi: its command line, and the locks of its backend.

- `stack`, `call`, `output`, `text`  what is run, as a process of its own session; what it said, made a line
- `backend`, `locks`, `traces`       where a lock lies; whose it is; by which trace it is ours, of a dead one
- `patience`                         how long somebody else's is waited for
"""

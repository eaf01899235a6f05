"""What runs on machines, as the user data of an instance, as text for `python3 -`, or copied there as one file.

- `boot.py`        makes a fresh machine ready
- `installer/`     puts releases into slots; `one_file.py` makes one file of it
- `in_service.py`  waits until the load balancer sends requests to a server

All of it is standard library only, for Python 3.9 or newer. `boot.py` and `in_service.py` run alone; the installer has
with it what it needs of `contract`.
"""

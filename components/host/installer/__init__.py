"""The installer: puts releases into the two slots of a server, and starts what a slot holds.

It is put together into one file (`components/host/one_file.py`), copied to `~/stageline/installer.pyz` and run there by
`python3`, so it is standard library only, Python 3.9 or newer, and imports nobody but `contract`. It belongs to the
server's application user and needs no root. Read in this order:

- `__main__`      its verbs, and what each of them answers
- `order`         what it is told: what a slot shall hold
- `slots`         a slot and what lies in it; what the server knows of itself
- `install`       the verb that matters, with `artifact` (downloaded, judged, unpacked), `migration` (bin/migrate),
                  `seed` (bin/seed) and `exchange` (each step leaves a state that the next run puts back)
- `empty`, `start`, `status`, `run`   the other verbs
- `unit`, `health`   what runs in a slot, and whether it is the release that it should be
- `environment`   what the application is given, and which of it are secrets; `configuration` reads what people set
- `lock`, `files`, `programs`, `aws`, `told`, `signals`, `errors`   one door each

A slot is a folder, `slots/<slot>/`, with `release/`, `configuration.json`, `slot.json` and a copy of the installer;
without `slot.json` it is empty. An install prepares a second folder beside it and swaps the two. The folders beside it
say how far it came, so that whoever is killed at any moment leaves a state which the next run puts back to what it was
before (`exchange.recover`):

    .<slot>.new      being prepared, the slot is untouched
    .<slot>.ready    prepared; the slot's unit may be stopped already
    .<slot>.old      what the slot held before; what stands in the slot is not proven healthy
    .<slot>.trash    not needed any more

A power cut is a kill that also forgets what was not yet on the disk, so what is swapped in is written out first. The
programs that a run starts carry a mark in their environment: the next run ends those that outlived a killed one.
"""

"""A warm Python for Pulumi's programs: it has imported what they need, and each of them is a fork of it.

A program spends most of its second in imports, of pulumi_aws above all. So the virtual environment that `.local/work`
names holds a `bin/python` that is `launcher.py`: it asks the local cloud for the warm interpreter (`keeper.py` starts
one when nobody has for a while), hands it its arguments, environment, folder and streams, and ends as the fork ends.
Only packages are warm, never the project's own modules: what somebody edits counts from the next program on. Where no
warm interpreter can be had, the launcher becomes the genuine one.
"""

"""The way out, one door for each outside system: `aws/` (boto3), `engine/` (the Pulumi command line and its locks),
`servers/` (SSH), `database/`, `http`, `git`, and `recordings` (the program itself, asked what it would declare).

A door knows the system and nothing of releases. What goes wrong there is one of `release.process.errors` from here on.
The price: what a door answers is its own small value, which `work` turns into what a rule reads.
"""

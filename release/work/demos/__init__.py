"""What is done with demos: `base` opens what they stand on, `making` brings one up, `ending` takes it down for good,
`sweep` finds what is left of it, and `program` tells the Pulumi program what a demo's stack is.
"""

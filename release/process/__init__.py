"""What every floor above stands on: errors that are told in a line, text from outside made printable and
bounded, progress, signals, what a process leaves behind, and the one JSON form that is hashed and signed.
"""

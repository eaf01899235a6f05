"""The ledger of one environment: what happened, what is so now, and who is at work.

A deployment writes through a ``Holder`` of `ledger`: an event, the HEAD that it leads to and the fence, in one
transaction.

- `head`, `event`, `chain`  what is so; what happened; each event bound to the one before
- `lease`                   who is at work, and when somebody else may be
- `stops`, `stoplog`        holds, freezes and vetoes, written without the lease, in a chain of their own
- `index`, `search`         what is known of a release without reading the history; reading it
- `items`, `bounds`         the table's items and their conditions; how much one may hold
- `audit`                   what was edited, cut off or reordered

The price of a chain: an event can be explained by another one, and never be mended.
"""

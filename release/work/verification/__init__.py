"""Is a release good: before the switch, and for a while after it.

- `verification`      health, answers and smoke checks: asked until they agree, or a limit is over
- `watch`, `figures`  requests, restarts and CloudWatch's figures after the switch; what they are judged by
- `units`             what servers say of the release's unit
"""

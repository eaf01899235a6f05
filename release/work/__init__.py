"""A deployment and what belongs around it, at work on the doors.

    executor.deploy(proposal)  the lease is taken, the plan written down; then step by step:
      steps.STEPS[step]        does it, by the doors of the environment, and returns its evidence
      plan.entering, .leaving  say what HEAD is while it runs and after it; each is recorded before and after
    aftermath.follow           what fails is put back, or left open for a person: `plan.consequence` says which

- `preflight`, `backup`, `seats`, `fleet`, `orders`, `database_role`, `migrations`  parts of steps
- `wanted`, `vetoes`, `users`                        read again on the way: stops, other environments, what users see
- `verification/`                                    is a release good: before the switch, and for a while after it
- `maintenance`, `deletion`, `*_pruning`, `snapshot_room`  done under the lease besides, and cleared away

The price of a plan that any process can go on with: what a step needs to know stands in the plan or in HEAD, never in a
variable of the process that began it.
"""

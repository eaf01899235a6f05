"""The verbs, grouped by what they are for, with the line that `release --help` has for each.

Each has a file: its options and their meaning (`command`), its runbook, and its text. A file is imported when its verb
is called or completed, so that `release --help` needs neither boto3 nor pydantic; a test compares the lines below with
the first lines of the verbs' own help.
"""

VERBS = {
    "Start": {
        "new": "Write the project's name and its stack files.",
        "doctor": "Look at what AWS would say no to.",
        "check": "Try the artifact FILE here, as servers will run it.",
        "init": "Make what must exist before ENVIRONMENT's first `pulumi up`.",
    },
    "Move": {
        "publish": "Store the artifact FILE under its digest, and sign it.",
        "promote": "Make the release VERSION live in the next environment.",
        "rollback": "Make an earlier verified release live again, in seconds.",
        "resume": "Go on with a deployment that died, paused or could not tell.",
        "abort": "Put back what a deployment changed that died or waits.",
        "accept": "Close a deployment behind its switch as a person judged it.",
        "stop": "Ask whoever is at work to end, and wait until that is so.",
        "redeploy": "Install the live release again, in the other slot.",
        "config": "Keep the application's secrets, in versions.",
        "adopt-listener": "Take over in the ledger a listener that was moved by hand.",
    },
    "Decide": {
        "hold": "Keep promotions out of ENVIRONMENT until that is lifted.",
        "freeze": "Keep promotions out of ENVIRONMENT until a time.",
        "veto": "Keep the release VERSION out of every environment.",
    },
    "Look": {
        "status": "Show what is live and what the slots hold.",
        "history": "Show what happened in ENVIRONMENT, newest first.",
        "show": "Show what the release VERSION is, and where it is live.",
        "parity": "Show how environments differ, and by which settings.",
        "drift": "Show what somebody changed by hand, in AWS and on servers.",
        "audit": "Tell which entries of a ledger were changed or are missing.",
        "policies": "Show what IAM has to allow in ENVIRONMENT, and to whom.",
    },
    "Keep": {
        "prune": "Show what ENVIRONMENT needs no more; with --yes delete it.",
        "tick": "Do what is due and needs nobody to decide.",
        "rotate-key": "Give ENVIRONMENT another deploy key, and shut out the old.",
        "database-login": "Make the application's database role what its secret says.",
        "replace-server": "Make SERVER of ENVIRONMENT anew, by what its settings say.",
        "mark-out": "Let nothing wait for a dead SERVER, until it is replaced.",
        "unlock": "Remove the LOCK that a dead Pulumi left on the stack.",
    },
    "Demo": {
        "demo": "Show a branch for a while; it goes by itself.",
    },
}

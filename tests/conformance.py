"""Checks the running server with scim2-tester, a conformance test of its own author.

    conformance.py BASE_URL TOKEN [--plain]

--plain says that it is a service provider without rules of its own, of which nothing else is
decided.
"""

import sys
import warnings

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server


FAILED = (Status.DEVIATION, Status.ERROR, Status.CRITICAL)

# What the tester expects and is decided otherwise. One that it no longer reports is a failure.
DECIDED = {
    # Decision 20: who removes `active` says nothing of it, and lets no blocked person in.
    ("check_remove_attribute", "PATCH modify() did not remove attribute 'active'"),
}


def main(base, token, decided=DECIDED):
    # The server's certificate is one that it made itself.
    warnings.filterwarnings("ignore")
    client = Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, verify=False)
    results = check_server(SyncSCIMClient(client))
    failed = {(result.title, result.reason) for result in results if result.status in FAILED}
    for title, reason in failed - decided:
        print(f"FAIL {title}: {reason}")
    for title, reason in decided - failed:
        print(f"FAIL {title}: not reported any more: {reason}")
    passed = sum(result.status == Status.SUCCESS for result in results)
    wrong = len(failed ^ decided)
    print(f"{passed} passed, {wrong} failed")
    return 1 if wrong or not passed else 0


if __name__ == "__main__":
    plain = "--plain" in sys.argv
    sys.exit(main(*sys.argv[1:3], set() if plain else DECIDED))

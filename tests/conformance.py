"""Checks the running server with scim2-tester, a conformance test of its own author.

    conformance.py BASE_URL TOKEN
"""

import sys
import warnings

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server


FAILED = (Status.DEVIATION, Status.ERROR, Status.CRITICAL)


def main(base, token):
    # The server's certificate is one that it made itself.
    warnings.filterwarnings("ignore")
    client = Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, verify=False)
    results = check_server(SyncSCIMClient(client))
    failed = [result for result in results if result.status in FAILED]
    for result in failed:
        print(f"FAIL {result.title}: {result.reason}")
    passed = sum(result.status == Status.SUCCESS for result in results)
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Customer.io's Python client for its data pipelines tells of a visit."""

from __future__ import annotations

import json
import sys

from customerio.analytics.client import Client

from tests.clients.python.shaped import tell

if __name__ == "__main__":
    visit = json.loads(sys.argv[1])
    tell(Client(visit["write_key"], host=visit["address"], upload_interval=0.1), visit)

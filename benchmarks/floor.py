"""The floor of the engine: `python -m benchmarks.floor URL MESSAGES THREADS CALLER` asks and posts, and nothing else.

There is no database and no queue: each thread has its share of the messages from the start. The caller is `requests` in
its quickest style (a session per thread, a prepared request per operation, copied, its body dumped by hand), or `own`,
the engine's own client.
"""

from __future__ import annotations

import json
import sys
import threading

import requests

from messaging.appio.client import Client

_BODY = "Ciao cittadino {number},\n\n" + "è pronto il saldo della **TARI 2026** per la tua abitazione. " * 4
_HEADERS = {
    "Accept": "application/json, application/problem+json",
    "Accept-Encoding": "identity",
    "User-Agent": "ioportal",
    "Content-Type": "application/json; charset=utf-8",
    "Ocp-Apim-Subscription-Key": "demo-tributi-primary-0000000000001",
}


def deliver(url: str, numbers: range) -> None:
    """Ask about each citizen, then post the message to them."""
    session = requests.Session()
    session.trust_env = False
    profile = requests.Request("POST", f"{url}/profiles", headers=_HEADERS).prepare()
    submit = requests.Request("POST", f"{url}/messages", headers=_HEADERS).prepare()
    for number in numbers:
        code = f"AAAAAA00A00A{number:04}"
        _call(session, profile, {"fiscal_code": code}, 200)
        content = {"subject": "Avviso TARI 2026: saldo da pagare", "markdown": _BODY.format(number=number)}
        _call(session, submit, {"fiscal_code": code, "content": content, "feature_level_type": "STANDARD"}, 201)


def deliver_by_own_client(url: str, numbers: range) -> None:
    """The same by the client of the engine."""
    client, key = Client(url), _HEADERS["Ocp-Apim-Subscription-Key"]
    for number in numbers:
        code = f"AAAAAA00A00A{number:04}"
        asked = client.profile(key, code)
        content = {"subject": "Avviso TARI 2026: saldo da pagare", "markdown": _BODY.format(number=number)}
        sent = client.submit(key, {"fiscal_code": code, "content": content, "feature_level_type": "STANDARD"})
        if (asked.status, sent.status) != (200, 201):
            raise SystemExit(f"the counterpart answered {asked.status} and {sent.status}")
    client.close()


def _call(session: requests.Session, template: requests.PreparedRequest, value: object, status: int) -> object:
    request = template.copy()
    request.body = json.dumps(value, separators=(",", ":")).encode("ascii")
    request.headers["Content-Length"] = str(len(request.body))
    answer = session.send(request, timeout=(5, 15), allow_redirects=False)
    if answer.status_code != status:
        raise SystemExit(f"the counterpart answered {answer.status_code}")
    return answer.json()


def main() -> None:
    """Share the messages among the threads and wait for them."""
    url, messages, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    target = deliver_by_own_client if sys.argv[4] == "own" else deliver
    workers = [
        threading.Thread(target=target, args=(url, range(number, messages, threads))) for number in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()

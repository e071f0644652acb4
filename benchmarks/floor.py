"""The floor of the engine: `python -m benchmarks.floor URL MESSAGES THREADS` asks and posts, and does nothing else.

The call style is the engine's: a session per thread, one prepared request per operation, copied, its body dumped by
hand. There is no database and no queue: each thread has its share of the messages from the start.
"""

from __future__ import annotations

import json
import sys
import threading

import requests

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
    workers = [
        threading.Thread(target=deliver, args=(url, range(number, messages, threads))) for number in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()

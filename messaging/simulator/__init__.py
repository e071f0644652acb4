"""An IO platform in a box: the messaging API, a citizen's phone and a desk to cause trouble.

The package shares no code with the rest of the project, in either direction, so that it cannot hide
a mistake of the client's by making the same one. Its rules are restated from the notes on the IO
messages API; docstrings cite the section they follow.

* `gateway`: key, rate limit, client certificate; then one of `messages`, `profiles`
* `schema`, `checks`: what a request must look like, and in which order it is refused
* `configurations`, `configurations_api`: where institutions keep remote content
* `fetching`, `coherence`, `fetches`: asking them for it, judging the answer, and the record of both
* `lollipop`: the app's signature on what it asks; `assertions`, `identity_provider`: whose key it is
* `ledger`, `citizens`, `accounts`: what is remembered; `world` holds them together
* `faults`: everything that can go wrong on purpose
* `pages`, `markdown`, `front_matter`: the citizen's phone
* `control`, `control_citizens`, `control_page`: the desk, on a port of its own
* `server`, `options`: the process

The cast of citizens, with fiscal codes, stands in `citizens`.
"""

"""The process: two listeners, one world, started and stopped."""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from messaging.simulator.control import Control, plain_errors
from messaging.simulator.control_citizens import ControlCitizens
from messaging.simulator.control_page import ControlPage
from messaging.simulator.faults import parse_option
from messaging.simulator.fetching import Fetcher
from messaging.simulator.gateway import Gateway
from messaging.simulator.journal import JournalError
from messaging.simulator.limits import parse_limit
from messaging.simulator.listener import Listener, PortError, bind
from messaging.simulator.options import Options
from messaging.simulator.pages import Phone
from messaging.simulator.templating import add_static, own_pages_only, prepare_templates
from messaging.simulator.wire import gateway_error
from messaging.simulator.world import Tuning, World

# Far beyond any message: what is too long is for the schema to say.
_LARGEST_BODY = 8 * 1024 * 1024
# Answers held back on purpose must not hold back the end.
_PATIENCE = 0.1


def run(options: Options) -> int:
    """Run until SIGTERM or SIGINT, which end the process at once; the exit status of a bad start."""
    prepare_templates()
    # Hundreds of thousands of messages live on; looking through them for garbage finds none.
    gc.set_threshold(50_000, 50, 1_000)
    try:
        world = asyncio.run(_serve(options))
    except (PortError, JournalError, ValueError) as error:
        sys.stderr.write(f"IO simulator: {error}.\n")
        return 1
    return _leave(world)


def _leave(world: World) -> int:
    """End without taking every message apart: that would last seconds after a load run."""
    world.journal.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def build_world(options: Options) -> World:
    """The world as the command line describes it; ValueError or JournalError with a sentence."""
    tuning = Tuning(
        limit=parse_limit(options.limit),
        latency_ms=options.latency_ms,
        jitter_ms=options.jitter_ms,
        settle_seconds=options.settle_seconds,
        old_notification=options.old_notification,
    )
    world = World(tuning, options.accounts, options.state)
    for text in options.faults:
        world.faults.add(parse_option(text))
    return world


async def _serve(options: Options) -> World:
    api_socket = bind(options.host, options.port)
    port = api_socket.getsockname()[1]
    wanted = options.control_port
    if wanted is None:
        wanted = port + 1 if options.port else 0
    control_socket = bind(options.host, wanted)
    control_port = control_socket.getsockname()[1]
    world = build_world(options)
    fetcher = Fetcher(world)
    api = web.AppRunner(_api(world, fetcher, control_port), access_log=None, shutdown_timeout=_PATIENCE)
    await api.setup()
    listener = Listener(api, options.host, api_socket)
    control = web.AppRunner(
        _control(world, fetcher, listener, control_port), access_log=None, shutdown_timeout=_PATIENCE
    )
    await control.setup()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await web.SockSite(control, control_socket).start()
        await listener.start()
        await listener.follow(world.faults)
        _announce(options, port, control_port)
        await stop.wait()
        return world
    finally:
        await asyncio.gather(api.cleanup(), control.cleanup(), fetcher.close())
        if options.port_file is not None:
            options.port_file.unlink(missing_ok=True)


def _api(world: World, fetcher: Fetcher, control_port: int) -> web.Application:
    app = web.Application(middlewares=[own_pages_only], client_max_size=_LARGEST_BODY)
    gateway = Gateway(world)
    app.router.add_route("*", "/api/v1/{tail:.*}", gateway.handle)
    app.router.add_route("*", "/lollipop/api/v1/assertions/{tail:.*}", gateway.handle)
    world.identity_provider.add_routes(app.router)
    Phone(world, fetcher, control_port).add_routes(app.router)
    add_static(app.router)
    app.router.add_route("*", "/{tail:.*}", _no_such_path)
    return app


async def _no_such_path(request: web.Request) -> web.Response:
    return gateway_error(404, "Resource not found")


def _control(world: World, fetcher: Fetcher, listener: Listener, control_port: int) -> web.Application:
    app = web.Application(middlewares=[own_pages_only, plain_errors])
    Control(world, listener, control_port).add_routes(app.router)
    ControlCitizens(world, fetcher).add_routes(app.router)
    ControlPage(world, listener).add_routes(app.router)
    add_static(app.router)
    return app


def _announce(options: Options, port: int, control_port: int) -> None:
    if options.port_file is not None:
        _write_ports(options.port_file, port, control_port)
    host = f"[{options.host}]" if ":" in options.host else options.host
    base = f"http://{host}:{port}"
    sys.stdout.write(f"IO simulator on {base}/api/v1 (citizen's phone: {base}/phone)\n")
    sys.stdout.flush()


def _write_ports(path: Path, port: int, control_port: int) -> None:
    """Both ports on one line; complete from the first moment the file can be seen."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(f"{port} {control_port}\n", encoding="ascii")
        draft.replace(path)
    except OSError as error:
        raise ValueError(f"the port file {path} cannot be written: {error.strerror}") from error

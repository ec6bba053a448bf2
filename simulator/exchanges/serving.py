"""Serves a simulated exchange on a free loopback port, in the process of whoever asks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

SHUTDOWN_S = 1.0
HOST = "127.0.0.1"

Background = Callable[[], Iterable[Coroutine[object, object, None]]]


@asynccontextmanager
async def serving(app: web.Application, *, port: int = 0) -> AsyncIterator[str]:
    """Serve until the block ends; gives `host:port`, the port chosen by the system where it is 0."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        yield f"{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def run_beside(app: web.Application, background: Background, *, close: Callable[[], None]) -> None:
    """Run these as long as the application is served; `close` ends open connections before they are waited for."""

    async def beside(_: web.Application) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in background()]
            yield
            for task in tasks:
                task.cancel()

    async def end(_: web.Application) -> None:
        close()

    app.cleanup_ctx.append(beside)
    app.on_shutdown.append(end)

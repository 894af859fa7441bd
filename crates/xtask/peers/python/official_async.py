"""Klaviyo's own SDK in a program of asyncio: it blocks, so that each call has a thread."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import official

# As many as calls at once.
THREADS = 400


class Client:
    def __init__(self, *arguments, **named):
        self._client = official.Client(*arguments, **named)
        self._threads = ThreadPoolExecutor(THREADS)

    async def _call(self, call, email):
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, email)

    async def lookup(self, email):
        return await self._call(self._client.lookup, email)

    async def opt_in(self, email):
        await self._call(self._client.opt_in, email)

    async def close(self):
        self._threads.shutdown(wait=False)

"""Klaviyo's actions through the official client of the Model Context Protocol, which checks each result against the schema
of its tool.

    python client.py KLAVIYO-CONNECTOR

KLAVIYO_ENDPOINT and KLAVIYO_API_KEY are those of a simulator whose account has a history.
"""

import asyncio
import os
import sys
from contextlib import asynccontextmanager

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

LIST = "Y6nRLr"
EMAIL = "visitor@example.com"
PRIYA = "priya@example.com"


@asynccontextmanager
async def server(*options):
    environment = {name: os.environ[name] for name in ("KLAVIYO_ENDPOINT", "KLAVIYO_API_KEY", "HOME")}
    program = StdioServerParameters(command=sys.argv[1], args=["mcp", *options], env=environment)
    async with stdio_client(program) as (reader, writer), ClientSession(reader, writer) as session:
        await session.initialize()
        # The client knows the schemas of results from here on.
        names = {tool.name for tool in (await session.list_tools()).tools}

        async def call(name, **arguments):
            result = await session.call_tool(name, arguments)
            return result.structured_content, result.is_error

        yield names, call


async def main():
    contact = {"contact": {"email": EMAIL, "first-name": "Visitor"}, "list": LIST}
    async with server() as (names, call):
        assert "contacts_lookup" in names and "contacts_opt_in" not in names, names
        found, failed = await call("contacts_lookup", by={"email": PRIYA})
        assert not failed and found["result"]["email"] == PRIYA, found
        timeline, failed = await call("events_history", by={"email": PRIYA}, period={"limit": 5})
        assert not failed and timeline["result"]["events"], timeline
        _, failed = await call("contacts_opt_in", **contact)
        assert failed
        assert await call("contacts_lookup", by={"email": EMAIL}) == ({"result": None}, False)

    async with server("--dry-run") as (names, call):
        would, failed = await call("contacts_opt_in", **contact)
        assert not failed and would["dry-run"]["would-send"]["method"] == "POST", would
        assert await call("contacts_lookup", by={"email": EMAIL}) == ({"result": None}, False)

    async with server("--write", "--mask") as (names, call):
        receipt, failed = await call("contacts_opt_in", **contact)
        assert not failed and receipt["result"]["created"] and receipt["result"]["list-id"] == LIST, receipt
        people, failed = await call("lists_members", list=LIST)
        assert not failed and EMAIL not in str(people), people
        (member,) = [each for each in people["result"]["members"] if each["profile"]["id"] == receipt["result"]["profile-id"]]
        again, failed = await call("contacts_opt_in", contact={"email": member["profile"]["email"]}, list=LIST)
        assert not failed and not again["result"]["created"], again

    async with server("--only", "contacts.lookup") as (names, call):
        assert names == {"contacts_lookup"}, names


asyncio.run(main())

"""The connector's package: `AsyncKlaviyo`."""

from klaviyo_connector import AsyncKlaviyo, Email, NewProfile
from own import pace


class Client:
    def __init__(self, key, endpoint, list, fast):
        self._klaviyo = AsyncKlaviyo(key, endpoint=endpoint, pace=pace(fast))
        self._list = list

    async def lookup(self, email):
        return await self._klaviyo.lookup(Email(email))

    async def opt_in(self, email):
        await self._klaviyo.opt_in(NewProfile(email=email, first_name="Priya"), list=self._list)

    async def close(self):
        await self._klaviyo.aclose()

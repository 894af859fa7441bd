"""The connector's package: `Klaviyo`."""

from klaviyo_connector import Email, Klaviyo, NewProfile, Pace


def pace(fast):
    """With a server that has no rates, more than this machine can send; the pacing itself still runs."""
    return Pace.times(1_000) if fast else None


class Client:
    def __init__(self, key, endpoint, list, fast):
        self._klaviyo = Klaviyo(key, endpoint=endpoint, pace=pace(fast))
        self._list = list

    def lookup(self, email):
        return self._klaviyo.lookup(Email(email))

    def opt_in(self, email):
        self._klaviyo.opt_in(NewProfile(email=email, first_name="Priya"), list=self._list)

    def close(self):
        self._klaviyo.close()

"""Klaviyo's own SDK, used as its README says, with its own repeats."""

import json

from klaviyo_api import KlaviyoAPI
from openapi_client.exceptions import ApiException


def _id(item):
    """The SDK decides whether an answer is made of objects or of dictionaries."""
    return item["id"] if isinstance(item, dict) else item.id


class Client:
    def __init__(self, key, endpoint, list, fast):
        self._klaviyo = KlaviyoAPI(key, test_host=endpoint)
        self._list = list

    def lookup(self, email):
        found = self._klaviyo.Profiles.get_profiles(filter=f'equals(email,"{email}")')
        data = found["data"] if isinstance(found, dict) else found.data
        return _id(data[0]) if data else None

    def _create(self, **attributes):
        try:
            made = self._klaviyo.Profiles.create_profile({"data": {"type": "profile", "attributes": attributes}})
        except ApiException as error:
            if error.status != 409:
                raise
            return json.loads(error.body)["errors"][0]["meta"]["duplicate_profile_id"]
        return _id(made["data"] if isinstance(made, dict) else made.data)

    def opt_in(self, email):
        id = self.lookup(email) or self._create(email=email, first_name="Priya")
        self._klaviyo.Lists.add_profiles_to_list(self._list, {"data": [{"type": "profile", "id": id}]})

    def close(self):
        pass

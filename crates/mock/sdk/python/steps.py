"""What an integration does with an account, by Klaviyo's own SDK for Python. Prints each step that passed."""

import json
import os
import time

from klaviyo_api import KlaviyoAPI
from openapi_client.exceptions import ApiException

EMAIL = "ada+opt.in@example.com"
PHONE = "+14155550100"
LIST = os.environ["KLAVIYO_LIST"]

klaviyo = KlaviyoAPI(os.environ["KLAVIYO_API_KEY"], max_retries=1, test_host=os.environ["KLAVIYO_URL"])


def get(value, *path):
    """A member of an answer, which is made of objects or of dictionaries: the SDK decides."""
    for name in path:
        if value is None:
            return None
        if isinstance(name, int):
            value = value[name]
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            value = getattr(value, name)
    return getattr(value, "value", value)


def passed(step, condition=True):
    assert condition, step
    print(step, flush=True)


def refused(call, *arguments, **named):
    """The status and the first error of a call that must be refused."""
    try:
        call(*arguments, **named)
    except ApiException as error:
        return error.status, json.loads(error.body)["errors"][0]
    raise AssertionError("it was not refused")


def profile(**attributes):
    return {"data": {"type": "profile", "attributes": attributes}}


def find(email):
    return get(klaviyo.Profiles.get_profiles(filter=f'equals(email,"{email}")'), "data")


lists, page = [], klaviyo.Lists.get_lists()
while True:
    lists += [get(one, "id") for one in get(page, "data")]
    following = get(page, "links", "next")
    if following is None:
        break
    page = klaviyo.Lists.get_lists(page_cursor=following)
passed("all pages of lists", len(lists) == len(set(lists)) == 15 and LIST in lists)

named = klaviyo.Lists.get_lists(filter='equals(name,"WhatsApp Opt-Ins")')
passed("a list by its name", [get(one, "id") for one in get(named, "data")] == [LIST])

passed("nobody is found", find(EMAIL) == [])

attributes = dict(
    email=EMAIL,
    phone_number=PHONE,
    first_name="Ada",
    title="Countess",
    properties={"plan": "pro", "visits": 1},
)
ada = get(klaviyo.Profiles.create_profile(profile(**attributes)), "data", "id")
passed("a profile is created", len(ada) == 26)

passed("the profile is found", [get(one, "id") for one in find(EMAIL)] == [ada])

status, error = refused(klaviyo.Profiles.create_profile, profile(email=EMAIL.upper()))
duplicate = error["meta"]["duplicate_profile_id"]
passed("a duplicate is refused", (status, error["code"], duplicate) == (409, "duplicate_profile", ada))

klaviyo.Lists.add_profiles_to_list(LIST, {"data": [{"type": "profile", "id": ada}]})
members = get(klaviyo.Lists.get_profile_ids_for_list(LIST), "data")
passed("the profile is on the list", [get(one, "id") for one in members] == [ada])

updated = klaviyo.Profiles.create_or_update_profile(
    profile(email=EMAIL, last_name="King", title=None, properties={"visits": 2})
)
first_name, title = (get(updated, "data", "attributes", name) for name in ("first_name", "title"))
passed("the profile is updated", (get(updated, "data", "id"), first_name, title) == (ada, "Ada", None))

klaviyo.Profiles.create_profile(profile(email="taken@example.com"))
rows = [
    {"type": "profile", "attributes": {"email": "alan@example.com"}},
    {"type": "profile", "attributes": {"email": "edsger@example.com", "first_name": "Edsger"}},
    {"type": "profile", "attributes": {"email": "taken@example.com", "phone_number": PHONE}},
]
job = klaviyo.Profiles.bulk_import_profiles({
    "data": {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": rows}},
        "relationships": {"lists": {"data": [{"type": "list", "id": LIST}]}},
    }
})
job, seen = get(job, "data", "id"), []
deadline = time.monotonic() + 30
while "complete" not in seen:
    assert time.monotonic() < deadline, seen
    state = klaviyo.Profiles.get_bulk_import_profiles_job(job)
    seen.append(get(state, "data", "attributes", "status"))
    # Ten requests a second are allowed.
    time.sleep(0.15)
counts = [get(state, "data", "attributes", f"{name}_count") for name in ("total", "completed", "failed")]
passed("an import completes", counts == [3, 2, 1])

errors = get(klaviyo.Profiles.get_errors_for_bulk_import_profiles_job(job), "data")
codes = [(get(one, "attributes", "code"), get(one, "attributes", "source", "pointer")) for one in errors]
passed("the import tells what failed", codes == [("duplicate_profile", "/data/attributes/profiles/data/2")])

email = {"marketing": {"consent": "SUBSCRIBED"}}
klaviyo.Profiles.bulk_subscribe_profiles({
    "data": {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {
            "profiles": {
                "data": [
                    {
                        "type": "profile",
                        "attributes": {"email": "grace@example.com", "subscriptions": {"email": email}},
                    }
                ]
            }
        },
        "relationships": {"list": {"data": {"type": "list", "id": "X7kQpz"}}},
    }
})
deadline = time.monotonic() + 30
while not (grace := find("grace@example.com")):
    assert time.monotonic() < deadline, "the subscription had no effect"
    time.sleep(0.1)
grace = klaviyo.Profiles.get_profile(get(grace, 0, "id"), additional_fields_profile=["subscriptions"])
consent = get(grace, "data", "attributes", "subscriptions", "email", "marketing", "consent")
passed("a subscription takes effect", consent == "SUBSCRIBED")

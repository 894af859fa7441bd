"""Shows who a person is, what they did and bought last, and which lists they are on.

python who.py EMAIL

The key is read from KLAVIYO_API_KEY. Without KLAVIYO_ENDPOINT it is the real account of the key.
"""

import os
import sys

from klaviyo_connector import Email, Event, Id, Klaviyo, KlaviyoError, Period


def line(event: Event) -> str:
    """What a person did, on one line of a terminal."""
    # Shops write what was bought as objects with a name, or as the names alone.
    items = event.properties.get("Items")
    listed = items if isinstance(items, list) else []
    names = (item.get("ProductName") if isinstance(item, dict) else item for item in listed)
    bought = ", ".join(name for name in names if isinstance(name, str))
    did = f"{(event.time or '')[:16]:18}{event.metric or event.metric_id or '':20}{event.value or '':>10}  {bought}"
    did = did.rstrip()
    return did if len(did) <= 78 else f"{did[:77]}…"


def main(email: str) -> int:
    try:
        with Klaviyo(endpoint=os.environ.get("KLAVIYO_ENDPOINT")) as klaviyo:
            person = klaviyo.lookup(Email(email))
            if person is None:
                print(f"nobody has the email {email}", file=sys.stderr)
                return 1
            history = klaviyo.history(Id(person.id), Period(limit=10))
            lists = klaviyo.lists_of_profile(person.id)
    except KlaviyoError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 1
    known = (person.first_name, person.last_name, person.email, person.phone_number)
    print(*(each for each in known if each), sep="  ")
    print("did, newest first:")
    for did in [line(event) for event in history.events] if history else []:
        print(f"  {did}")
    if not history or not history.events:
        print("  nothing")
    elif history.more:
        print("  …")
    print("is on the lists:")
    for name in [audience.name for audience in lists] or ["none"]:
        print(f"  {name}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print((__doc__ or "").strip(), file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))

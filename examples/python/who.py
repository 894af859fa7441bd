"""Shows who a person is, what they did and bought last, and which lists they are on.

python who.py EMAIL

The key is read from KLAVIYO_API_KEY. Without KLAVIYO_ENDPOINT it is the real account of the key.
"""

import os
import sys

from klaviyo_connector import Email, Id, Klaviyo, KlaviyoError, Period


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
    for event in history.events if history else ():
        items = ", ".join(item["ProductName"] for item in event.properties.get("Items", ()))
        did = f"{(event.time or '')[:16]:18}{event.metric or event.metric_id or '':20}{event.value or '':>10}  {items}"
        print(f"  {did}".rstrip())
    print("is on the lists:")
    for audience in lists:
        print(f"  {audience.name}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print((__doc__ or "").strip(), file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))

"""Opts one contact in.

python opt_in.py EMAIL NAME LIST
"""

import os
import sys

from klaviyo_connector import Klaviyo, KlaviyoError, NewProfile


def main(email: str, name: str, list: str) -> int:
    with Klaviyo(key=os.environ["KLAVIYO_API_KEY"], endpoint=os.environ.get("KLAVIYO_ENDPOINT")) as klaviyo:
        try:
            receipt = klaviyo.opt_in(NewProfile(email=email, first_name=name), list=list)
        except KlaviyoError as error:
            print(f"{error.code}: {error}", file=sys.stderr)
            return 1
    print(f"{receipt.profile_name} is on the list {receipt.list_id}, as {receipt.profile_id}")
    for warning in receipt.warnings:
        print(f"warning: {warning}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))

"""Opts one contact in.

python opt_in.py EMAIL NAME LIST

The key is read from KLAVIYO_API_KEY. Without KLAVIYO_ENDPOINT it is the real account of the key.
"""

import os
import sys

from klaviyo_connector import Klaviyo, KlaviyoError, NewProfile


def main(email: str, name: str, list: str) -> int:
    try:
        with Klaviyo(endpoint=os.environ.get("KLAVIYO_ENDPOINT")) as klaviyo:
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
        print((__doc__ or "").strip(), file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))

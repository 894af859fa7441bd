"""What the SDK and the connector return, written alike: names and fields as the connector has them, and times read."""

import json
from datetime import datetime


def get(value, *path):
    """A member of an answer; none where one on the way is none."""
    value = value.model_dump(by_alias=True, mode="json") if hasattr(value, "model_dump") else value
    for name in path:
        value = None if value is None else value[name] if isinstance(name, int) else value.get(name)
    return value


def moment(time):
    """A time, however it is written."""
    if time is None or isinstance(time, datetime):
        return time
    return datetime.fromisoformat(time.replace("Z", "+00:00"))


def event(item, metrics):
    properties = get(item, "attributes", "event_properties")
    metric = get(item, "relationships", "metric", "data", "id")
    return {
        "id": get(item, "id"),
        "metric-id": metric,
        "metric": metrics[metric],
        "profile-id": get(item, "relationships", "profile", "data", "id"),
        "time": moment(get(item, "attributes", "datetime")),
        "value": properties.get("$value"),
        "properties": properties,
        "uuid": get(item, "attributes", "uuid"),
    }


def read(event):
    """An event of the connector's, with its texts read."""
    value = event["value"]
    return event | {
        "time": moment(event["time"]),
        "value": None if value is None else json.loads(value),
        "properties": json.loads(event["properties"]),
    }


def group(item, *more):
    attributes = {name: get(item, "attributes", name) for name in ("name", "created", "updated", *more)}
    return {"id": get(item, "id"), **attributes} | {
        name: moment(attributes[name]) for name in ("created", "updated")
    }


def audience(item):
    return {"opt-in" if name == "opt_in_process" else name: each for name, each in group(item, "opt_in_process").items()}


def segment(item):
    renamed = {"is_active": "active", "is_processing": "processing"}
    return {renamed.get(name, name): each for name, each in group(item, *renamed).items()}


def dated(record):
    return record | {name: moment(record[name]) for name in ("created", "updated")}


def person(item):
    names = ("email", "first_name", "last_name", "title")
    fields = {name.replace("_", "-"): get(item, "attributes", name) for name in names}
    return {
        "id": get(item, "id"),
        "properties": get(item, "attributes", "properties") or {},
        "updated": moment(get(item, "attributes", "updated")),
        **fields,
    }


def known(profile):
    fields = {name: profile[name] for name in ("id", "email", "first-name", "last-name", "title")}
    return fields | {"properties": json.loads(profile["properties"]), "updated": moment(profile["updated"])}


def member(item):
    return person(item), moment(get(item, "attributes", "joined_group_at"))


def joined(member):
    return known(member["profile"]), moment(member["joined"])

"""Checks alert rules and dashboards without Prometheus and Grafana: their form, and that each metric and label in a query is
in the table of metrics of docs/scale.md, whose metrics are those that the service registers.

    python monitoring.py FILE
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

PROJECT = Path(__file__).parents[2]
TABLE = PROJECT / "docs/scale.md"
SOURCES = PROJECT / "crates/service/src"
HEADER = "| metric | labels | meaning | alert |"
# What Prometheus adds to every series.
ADDED = {"job", "instance"}
FUNCTIONS = {"rate", "increase", "histogram_quantile", "changes", "absent"}
AGGREGATIONS = {"sum", "max", "min", "avg", "count", "topk"}
WORDS = {"by", "without", "and", "or", "unless", "on", "ignoring", "bool", "group_left", "group_right", "offset"}
TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<string>"[^"]*")|(?P<range>\[(?:\d+[smhd]|\$__rate_interval)\])|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?P<operator>=~|!~|!=|==|<=|>=|[-+*/%<>=])|(?P<mark>[(){},])"""
)
DURATION = re.compile(r"\d+[smhd]")
# Series that end when there is nothing to tell.
ENDING = re.compile(r"klaviyo_queue_oldest_seconds|klaviyo_worker_accounts")


def metrics() -> dict[str, set[str]]:
    """The metrics of the table, each with its labels."""
    known: dict[str, set[str]] = {}
    _, table = TABLE.read_text().split(HEADER, 1)
    for row in table.splitlines()[2:]:
        if not row.startswith("|"):
            break
        names, labels, *_ = [cell.strip() for cell in row.strip("|").split("|")]
        names = re.findall(r"`([^`]+)`", names)
        # `…_opt_outs_total` after `klaviyo_door_opt_ins_total` is one of the same process.
        prefix = "_".join(names[0].split("_")[:2])
        each = labels.split(";")
        for index, name in enumerate(names):
            own = each[index] if len(each) == len(names) else each[0]
            known[name.replace("…", prefix)] = set(re.findall(r"`([^`]+)`", own))
    return known


def wrong_in_table(known: dict[str, set[str]]) -> Iterator[str]:
    """Metrics that the table has and the service does not register, or the other way."""
    text = "".join(path.read_text() for path in SOURCES.rglob("*.rs"))
    registered = set(re.findall(r'"((?:klaviyo|process)_[a-z_]+)"', text))
    # The library puts units, and the ends that OpenMetrics wants, behind the name.
    ends = re.compile(r"_(?:total|info)$|_(?:seconds|bytes|days)(?:_total)?$")
    listed = {name: {name, ends.sub("", name), re.sub("_(?:total|info)$", "", name)} for name in known}
    for name, forms in listed.items():
        if not forms & registered:
            yield f"the table has {name}, which the service does not register"
    for name in registered - set().union(*listed.values()):
        yield f"the service registers {name}, which the table does not have"


def labels_of(name: str, known: dict[str, set[str]]) -> set[str] | None:
    """The labels of a series; none if there is no such series."""
    if name in known:
        # The series of a histogram have names of their own.
        return None if is_histogram(name) else known[name] | ADDED
    base, _, part = name.rpartition("_")
    if part in {"bucket", "sum", "count"} and is_histogram(base) and base in known:
        return known[base] | ADDED | ({"le"} if part == "bucket" else set())
    return None


def is_histogram(name: str) -> bool:
    return name.endswith(("_request_seconds", "_to_outcome_seconds"))


def tokens(query: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while place < len(query):
        match = TOKEN.match(query, place)
        if not match:
            raise ValueError(f"{query[place:]!r} is not understood")
        place = match.end()
        if match.lastgroup != "space":
            found.append((match.lastgroup or "", match.group()))
    return found


def wrong_in_query(query: str, known: dict[str, set[str]]) -> Iterator[str]:
    """What is wrong with a query: an unknown metric or label, a counter that is not counted by time, a bracket."""
    try:
        found = tokens(query)
    except ValueError as error:
        yield str(error)
        return
    depth: list[str] = []
    all_labels: set[str] = set(ADDED)
    grouped: list[str] = []
    last, series, grouping = "", "", False
    for index, (kind, text) in enumerate(found):
        following = found[index + 1] if index + 1 < len(found) else ("", "")
        if text in "({" and kind == "mark":
            depth.append(text)
            grouping = text == "(" and last in {"by", "without", "on", "ignoring"}
        elif text in ")}" and kind == "mark":
            if not depth or depth.pop() != {")": "(", "}": "{"}[text]:
                yield f"{text} closes nothing"
            grouping = False
        elif kind == "name" and depth[-1:] == ["{"]:
            if following[0] == "operator" and text not in (labels_of(series, known) or ADDED):
                yield f"{series} has no label {text}"
        elif kind == "name" and grouping:
            grouped.append(text)
        elif kind == "name" and following[1] == "(" and text not in FUNCTIONS | AGGREGATIONS | WORDS:
            yield f"{text} is no function"
        elif kind == "name" and text not in FUNCTIONS | AGGREGATIONS | WORDS:
            labels = labels_of(text, known)
            if labels is None:
                yield f"there is no metric {text}"
            else:
                all_labels |= labels
            series = text
            after = index + 1
            if following[1] == "{":
                after = next((i for i in range(index, len(found)) if found[i][1] == "}"), len(found)) + 1
            is_counter = text.endswith(("_total", "_bucket", "_sum", "_count"))
            is_over_time = after < len(found) and found[after][0] == "range"
            if is_counter != is_over_time and labels is not None:
                yield f"{text} is {'a counter, and needs' if is_counter else 'no counter, and has'} a range"
        last = text
    if depth:
        yield f"{depth[-1]} is not closed"
    for label in grouped:
        if label not in all_labels:
            yield f"no metric of the query has the label {label}"


def only(what: str, value: dict, needed: set[str], allowed: set[str]) -> Iterator[str]:
    for name in needed - value.keys():
        yield f"{what} has no {name}"
    for name in value.keys() - needed - allowed:
        yield f"{what} has {name}, which is not known"


def wrong_in_rules(document: dict, known: dict[str, set[str]]) -> Iterator[str]:
    yield from only("the file", document, {"groups"}, set())
    names: set[str] = set()
    for group in document.get("groups", []):
        yield from only("a group", group, {"name", "rules"}, {"interval"})
        for rule in group.get("rules", []):
            name = rule.get("alert", "a rule")
            yield from only(name, rule, {"alert", "expr", "labels", "annotations"}, {"for"})
            if name in names:
                yield f"there are two {name}"
            names.add(name)
            if "for" in rule and not DURATION.fullmatch(str(rule["for"])):
                yield f"{name} waits for {rule['for']!r}, which is no duration"
            if rule.get("labels", {}).get("severity") not in {"critical", "warning"}:
                yield f"{name} has no severity"
            yield from only(f"the annotations of {name}", rule.get("annotations", {}), {"summary", "description"}, set())
            for problem in wrong_in_query(rule.get("expr", ""), known):
                yield f"{name}: {problem}"
            for label in re.findall(r"\$labels\.(\w+)", json.dumps(rule.get("annotations", {}))):
                if not re.search(rf"\b{label}\b", rule.get("expr", "")):
                    yield f"{name} tells the label {label}, which its expression does not keep"


def sources(value: object) -> Iterator[dict]:
    """What the parts of a dashboard ask."""
    if isinstance(value, dict):
        if isinstance(value.get("datasource"), dict):
            yield value["datasource"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from sources(inner)


def wrong_in_dashboard(document: dict, known: dict[str, set[str]]) -> Iterator[str]:
    for name in ("title", "uid", "schemaVersion", "panels", "templating", "time"):
        if name not in document:
            yield f"the dashboard has no {name}"
    variables = {variable["name"] for variable in document.get("templating", {}).get("list", [])}
    for source in sources(document):
        if source.get("type") != "prometheus" or source.get("uid", "").strip("${}") not in variables:
            yield f"{source} is not the Prometheus that the dashboard's variable names"
    ids: set[int] = set()
    taken: set[tuple[int, int]] = set()
    for panel in document.get("panels", []):
        title = panel.get("title", "a panel")
        if panel.get("id") in ids or "id" not in panel:
            yield f"{title} has no id of its own"
        ids.add(panel.get("id", 0))
        place = panel.get("gridPos", {})
        if not {"x", "y", "w", "h"} <= place.keys() or place["x"] + place["w"] > 24:
            yield f"{title} has no place among the 24 columns"
            continue
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        if cells & taken:
            yield f"{title} lies over another panel"
        taken |= cells
        if panel.get("type") == "row":
            continue
        if not panel.get("targets"):
            yield f"{title} asks nothing"
        for target in panel.get("targets", []):
            if panel.get("type") == "stat" and any(" or " not in part for part in ENDING.split(target.get("expr", ""))[1:]):
                yield f"{title} keeps its last value, or has none, when its series ends: say with `or` what it is then"
            for problem in wrong_in_query(target.get("expr", ""), known):
                yield f"{title}: {problem}"


def main() -> int:
    file, known = Path(sys.argv[1]), metrics()
    # Other than Python's own parser of JSON, this one refuses a name that is written twice.
    document = YAML(typ="safe", pure=True).load(file.read_text())
    if file.suffix == ".json":
        json.loads(file.read_text())
    check = wrong_in_dashboard if "panels" in document else wrong_in_rules
    problems = [*wrong_in_table(known), *check(document, known)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

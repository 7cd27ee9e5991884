"""Whether what is in a database is what was acknowledged, and whether its tables agree."""

import json
import sqlite3
from collections import Counter, defaultdict

from disk import stamps


def rows(connection, query):
    connection.row_factory = sqlite3.Row
    return [dict(row) for row in connection.execute(query)]


def disagreements(path, writers, administrator=None, at=None):
    """What is wrong in a database: `at` is how many records of the disk it was made of, so that what was
    acknowledged until then must be there; without it, it holds what was acknowledged and nothing else."""
    connection = sqlite3.connect(path)
    try:
        found = rows(connection, "PRAGMA integrity_check")
        if [list(row.values()) for row in found] != [["ok"]]:
            return [f"integrity: {found[:3]}"]
        wrong = tables(connection)
        known = {row["id"]: row for row in rows(connection, "SELECT * FROM users")}
        members = {(row["group_id"], row["member_id"]) for row in rows(connection, "SELECT * FROM group_members")}
        for writer in writers:
            wrong += acknowledged(writer, known, members, at)
        if at is None:
            wrong += of_administrator(connection, administrator)
            told = {person.id for writer in writers for person in writer.people}
            wrong += [f"{row['user_name']} was refused and is there" for id, row in known.items() if id not in told]
        return wrong
    finally:
        connection.close()


def tables(connection):
    """Row, document, log and feed of each user say the same, and nothing is left over."""
    wrong = []
    events, changes = defaultdict(list), defaultdict(list)
    for row in rows(connection, "SELECT * FROM provisioning_events WHERE outcome = 'success' ORDER BY id"):
        events[row["resource_id"]].append(row)
    for row in rows(connection, "SELECT * FROM feed_changes ORDER BY id"):
        if row["subject"] != "alert":
            changes[row["resource_id"]].append(row)
    users = rows(connection, "SELECT * FROM users")
    for user in users:
        name, id, version = user["user_name"], user["id"], user["version"]
        shown = stamps(json.loads(user["scim_document"]))
        columns = {user["job_title"], user["display_name"], user["last_name"]}
        if len(shown) != 1 or shown != columns or shown != stamps(json.loads(user["search_document"])):
            wrong.append(f"{name}: half of a change: {shown} {columns}")
        if [row["version"] for row in changes[id]] != list(range(1, version + 1)):
            wrong.append(f"{name}: version {version}, in the feed {[row['version'] for row in changes[id]]}")
        elif {json.loads(changes[id][-1]["new"])["jobTitle"]} != shown:
            wrong.append(f"{name}: {shown}, in the feed {changes[id][-1]['new']}")
        actions = [row["action"] for row in events[id] if row["resource_type"] == "User"]
        if len(actions) != version or actions[0] != "create":
            wrong.append(f"{name}: version {version}, in the log {actions}")
    ids = {user["id"] for user in users} | {row["id"] for row in rows(connection, "SELECT id FROM groups")}
    wrong += [f"the log knows {id}, which is not there" for id in events if id not in ids]
    wrong += [f"the feed knows {id}, which is not there" for id in changes if id.split("/")[0] not in ids]
    members = {f"{row['group_id']}/{row['member_id']}" for row in rows(connection, "SELECT * FROM group_members")}
    fed = {id for id, rows_of in changes.items() if "/" in id and rows_of[-1]["new"] is not None}
    wrong += [f"of the table of members and the feed only one has {pair}" for pair in members ^ fed]
    active = Counter(user["managed_by"] for user in users if user["status"] == "active")
    totals = {row["configuration_id"]: row["amount"]
              for row in rows(connection, "SELECT * FROM resource_totals WHERE counted = 'active'")}
    if any(totals.get(configuration, 0) != amount for configuration, amount in active.items()):
        wrong.append(f"{dict(active)} people are active, and the totals say {totals}")
    for table in ("feed_author", "write_probe"):
        if rows(connection, f"SELECT count(*) AS n FROM {table}")[0]["n"]:
            wrong.append(f"something is left in {table}")
    return wrong


def acknowledged(writer, known, members, at):
    """What of a writer's acknowledged writes is not there."""
    wrong = []
    for person in writer.people:
        states = [state for state in person.states if at is None or state[0] <= at]
        if not states:
            continue
        row = known.get(person.id)
        if row is None:
            wrong.append(f"{person.name} was acknowledged and is not there")
            continue
        # Of a later image, what came after the last acknowledged write may be there as well.
        number = len(states)
        if row["version"] < number or (at is None and row["version"] != number):
            wrong.append(f"{person.name}: {number} writes were acknowledged, and its version is {row['version']}")
        _, stamp, deleted = person.states[min(row["version"], len(person.states)) - 1]
        if row["version"] <= len(person.states) and (row["job_title"] != stamp or (row["status"] != "active") != deleted):
            wrong.append(f"{person.name}: {stamp} {deleted} was acknowledged, and it is {row['job_title']} {row['status']}")
    for member, when in writer.members.items():
        if (at is None or when <= at) and (writer.group, member) not in members:
            gone = any(person.id == member and person.deleted for person in writer.people)
            if not gone:
                wrong.append(f"{member}: it was acknowledged as a member of {writer.group}, and is none")
    return wrong


def of_administrator(connection, administrator):
    """Whether a configuration and the audit log know of the same changes."""
    if administrator is None:
        return []
    id = administrator.server.configuration
    described = rows(connection, f"SELECT description FROM provisioning_configurations WHERE id = '{id}'")
    audited = rows(connection, "SELECT * FROM audit_events WHERE event = 'configuration.edited'")
    if described[0]["description"] != administrator.description or len(audited) != administrator.acknowledged:
        return [f"{administrator.acknowledged} changes were acknowledged, the last one {administrator.description!r}; "
                f"there are {len(audited)}, and it is {described}"]
    return []

//! A copy that is kept by the feed alone.

use super::*;

type Rows = BTreeMap<(Subject, String), Map<String, Value>>;

/// What a receiver makes of the changes.
fn apply(copy: &mut Rows, change: &Change) {
    let (subject, id) = (change.resource.subject, change.resource.id.clone());
    match &change.record {
        Some(record) => {
            copy.insert((subject, id), record.clone());
        }
        None => {
            copy.remove(&(subject, id.clone()));
            let field = match subject {
                Subject::User => ["member", "user"],
                Subject::Group => ["group", "group"],
                _ => return,
            };
            // With a person or a group go memberships and grants.
            copy.retain(|(kind, _), record| {
                let of = match kind {
                    Subject::Membership => record.get(field[0]),
                    Subject::Grant => record.get(field[1]),
                    _ => None,
                };
                of != Some(&json!(id))
            });
        }
    }
}

/// One operation of one of the interfaces; what is refused is refused.
fn operate(house: &House, dice: &mut Dice, number: usize) {
    let (users, groups) = (ids(house, Subject::User), ids(house, Subject::Group));
    let (one, other) = (dice.of(&users).cloned(), dice.of(&users).cloned());
    let (one, other) = (one.unwrap_or_default(), other.unwrap_or_default());
    let (group, inner) = (dice.of(&groups).cloned(), dice.of(&groups).cloned());
    let (group, inner) = (group.unwrap_or_default(), inner.unwrap_or_default());
    let (user_path, group_path) = (format!("/Users/{one}"), format!("/Groups/{group}"));
    let name = format!("p{number}");
    let ask = |method, path: &str, body: &Value| house.request(method, path, body).status;
    match dice.below(22) {
        0 | 1 => {
            let mut body = user(&name);
            body[uri::ENTERPRISE_USER] = json!({"manager": {"value": format!("p{}", number + 3)},
                "department": format!("D{}", dice.below(3))});
            ask(Method::Post, "/Users", &body);
        }
        2 => {
            let title = json!([{"op": "replace", "path": "title", "value": name}]);
            ask(Method::Patch, &user_path, &patch(&title));
        }
        3 => {
            let active = json!([{"op": "replace", "path": "active", "value": dice.below(2) == 0}]);
            ask(Method::Patch, &user_path, &patch(&active));
        }
        4 => {
            ask(Method::Put, &user_path, &user(&name));
        }
        5 => {
            ask(Method::Delete, &user_path, &Value::Null);
        }
        6 => {
            let body = json!({"schemas": [uri::GROUP], "displayName": format!("g{number}"),
                "members": [{"value": one}, {"value": other}]});
            if ask(Method::Post, "/Groups", &body) != 201 {
                let body = json!({"schemas": [uri::GROUP], "displayName": format!("g{number}")});
                ask(Method::Post, "/Groups", &body);
            }
        }
        7 | 8 => {
            let op = ["add", "remove"][dice.below(2)];
            let member = [&one, &inner][dice.below(2)];
            let members = json!([{"op": op, "path": "members", "value": [{"value": member}]}]);
            ask(Method::Patch, &group_path, &patch(&members));
        }
        9 => {
            let body = json!({"schemas": [uri::GROUP], "displayName": format!("g{number}"),
                "members": [{"value": one}]});
            ask(Method::Put, &group_path, &body);
        }
        10 => {
            ask(Method::Delete, &group_path, &Value::Null);
        }
        11 => {
            let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "a", "data": user(&name)},
                {"method": "POST", "path": "/Groups", "bulkId": "b", "data":
                    {"schemas": [uri::GROUP], "displayName": format!("g{number}"),
                     "members": [{"value": "bulkId:a"}]}},
                {"method": "DELETE", "path": user_path},
            ]});
            ask(Method::Post, "/Bulk", &body);
        }
        12 => {
            let role = [None, Some("Junior Technician"), Some("Super Admin")][dice.below(3)];
            let input = PersonInput {
                user_name: name,
                email: None,
                tenant_admin: dice.below(4) == 0,
                role: role.map(str::to_owned),
            };
            house.admin.add_person(&actor(), &input).unwrap();
        }
        13 => {
            let input = GroupInput {
                name: format!("g{number}"),
                confers_admin: dice.below(4) == 0,
            };
            house.admin.add_group(&actor(), &input).unwrap();
        }
        14 => drop(house.admin.add_member(&actor(), &group, &one)),
        15 | 16 => {
            let change = [
                PersonChange::Block,
                PersonChange::Unblock,
                PersonChange::Archive,
                PersonChange::Unlink,
                PersonChange::Convert(UserType::Technician),
            ][dice.below(5)];
            drop(house.admin.change_person(&actor(), &one, change));
        }
        17 => drop(house.admin.unlink_group(&actor(), &group)),
        18 => fields(house, dice),
        19 => {
            let mut job = house
                .admin
                .begin_reapply(&actor(), house.scope().configuration())
                .unwrap();
            while !job.finished {
                job = house
                    .provider
                    .reapply(&house.caller.configuration, &job)
                    .unwrap();
            }
            let which = Which::All;
            drop(house.admin.decide_held(
                &actor(),
                house.scope().configuration(),
                which,
                dice.below(2) == 0,
            ));
        }
        20 => {
            house
                .admin
                .purge_people(Utc::now() + Duration::days(400), 10)
                .unwrap();
        }
        _ => other_configuration(house, number),
    }
}

/// Another configuration makes somebody and is deleted.
fn other_configuration(house: &House, number: usize) {
    let name = format!("Other {number}");
    let other = caller(configuration(&house.admin, &name));
    let body = user(&format!("o{number}")).to_string();
    let request = Request {
        method: Method::Post,
        path: "/Users",
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    assert_eq!(house.provider.answer(&other, &request).status, 201);
    house
        .admin
        .delete_configuration(&actor(), other.configuration.id)
        .unwrap();
}

fn deleting(house: &mut House) {
    let mut configuration = (*house.caller.configuration).clone();
    configuration.policies = Policies {
        deletion: Deletion::Delete { after_days: 1 },
        ..configuration.policies
    };
    house.caller.configuration = Arc::new(configuration);
}

/// Copies that are kept by the feed alone, from the beginning and from a snapshot in the middle.
fn check_copies(house: &House, dice: &mut Dice, seen: &mut BTreeSet<Topic>) {
    let mut copy = Rows::new();
    let mut later: Option<Rows> = None;
    let mut after = extent(house).epoch;
    for number in 0..150 {
        operate(house, dice, number);
        if number == 60 {
            // What is read of a snapshot may be newer than where it says to go on from.
            let head = extent(house).head;
            let (changes, next) = follow(house, after);
            changes.iter().for_each(|change| apply(&mut copy, change));
            assert_eq!(next, head);
            after = next;
            let rows = snapshot(house).into_iter();
            later = Some(
                rows.map(|row| ((row.subject, row.id), row.record))
                    .collect(),
            );
        }
        if number % 40 == 0 || number == 149 {
            let (changes, next) = follow(house, after);
            for change in &changes {
                seen.insert(change.topic);
                apply(&mut copy, change);
                later.iter_mut().for_each(|later| apply(later, change));
            }
            assert!(
                changes
                    .windows(2)
                    .all(|two| two[0].position + 1 == two[1].position)
            );
            after = next;
            compare(house, &copy);
            later.iter().for_each(|later| compare(house, later));
        }
    }
    check_interfaces(house, &copy);
}

fn compare(house: &House, copy: &Rows) {
    let rows = snapshot(house).into_iter();
    let there: Rows = rows
        .map(|row| ((row.subject, row.id), row.record))
        .collect();
    for key in there.keys().chain(copy.keys()) {
        assert_eq!(copy.get(key), there.get(key), "{key:?}");
    }
}

/// What administrators see is what a copy holds.
fn check_interfaces(house: &House, copy: &Rows) {
    let query = PeopleQuery {
        search: None,
        status: None,
        user_type: None,
        managed_by: ManagedBy::default(),
        after: None,
        limit: 1_000,
    };
    let people = house.admin.people(&query).unwrap();
    let copied = copy.keys().filter(|(subject, _)| *subject == Subject::User);
    assert_eq!(people.len(), copied.count());
    for person in people {
        let record = &copy[&(Subject::User, person.id.clone())];
        assert_eq!(record["userName"], json!(person.user_name));
        assert_eq!(record["status"], json!(person.status));
    }
    for group in ids(house, Subject::Group) {
        for member in house.admin.members(&group, None, 1_000).unwrap() {
            let id = format!("{group}/{}", member.id);
            assert!(copy.contains_key(&(Subject::Membership, id)));
        }
    }
}

pub(super) fn a_copy_kept_by_the_feed_alone_is_the_directory(engine: &Engine) {
    let mut seen = BTreeSet::new();
    for seed in [1, 20_251, 777] {
        let mut house = House::new(engine);
        deleting(&mut house);
        check_copies(&house, &mut Dice(seed), &mut seen);
    }
    // What a group gives is taken away by rules; here it is done by a statement. An alert is nothing
    // of the directory.
    let missing: Vec<_> = Topic::ALL
        .iter()
        .filter(|topic| topic.subject() != Subject::Alert && !seen.contains(topic))
        .collect();
    assert_eq!(missing, [&Topic::GrantRemoved], "{engine:?}");
}

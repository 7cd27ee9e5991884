//! Filters, orders and pages.

use scim_mapping::{Field, FieldValue};
use scim_protocol::filter::{Condition, SortKey};
use scim_protocol::{Filter, Limits, ResourceDefinition, Tolerance};
use serde_json::{Map, Value, json};

use super::subject::Subject;
use super::writes::{
    add, add_group, find, group, group_named, insert, insert_group, is_taken, join, named, read,
    scope, user,
};
use crate::configuration::Configuration;
use crate::directory::{From, Keyset, Selection, Sort, UserWrite};
use crate::id::{ResourceId, ResourceKind};

/// The SCIM endpoint with which a directory is made.
pub(super) const BASE: &str = "https://scim.example/api/scim/v2";

fn definition(kind: ResourceKind) -> ResourceDefinition {
    match kind {
        ResourceKind::User => ResourceDefinition::user(),
        ResourceKind::Group => ResourceDefinition::group(),
    }
}

fn condition(kind: ResourceKind, filter: &str) -> Condition {
    let mut tolerance = Tolerance::default();
    let parsed = Filter::parse(filter, &Limits::default(), &mut tolerance).expect(filter);
    parsed
        .bind(&definition(kind), &mut tolerance)
        .expect(filter)
}

fn sort(kind: ResourceKind, path: &str, descending: bool) -> Sort {
    let parsed = path.parse().expect(path);
    let key = SortKey::new(&definition(kind), &parsed, &mut Tolerance::default());
    Sort {
        key: key.expect(path),
        descending,
    }
}

/// A page: how many there are, who is on it, and where the next one begins.
fn page(
    subject: &dyn Subject,
    of: &Configuration,
    kind: ResourceKind,
    selection: &Selection,
) -> (u64, Vec<ResourceId>, Option<Keyset>) {
    let found = read(subject, |view| {
        view.places(kind, scope(of), selection, false)
    });
    let ids: Vec<ResourceId> = found.items.iter().map(|place| place.keyset.id).collect();
    // The same by the other way of asking.
    let (total, read_ids) = read(subject, |view| {
        Ok(match kind {
            ResourceKind::User => {
                let page = view.users(scope(of), selection)?;
                (
                    page.total,
                    page.items.iter().map(|user| user.id).collect::<Vec<_>>(),
                )
            }
            ResourceKind::Group => {
                let page = view.groups(scope(of), selection)?;
                (
                    page.total,
                    page.items.iter().map(|group| group.id).collect(),
                )
            }
        })
    });
    assert_eq!((total, &read_ids), (found.total, &ids));
    (found.total, ids, found.next)
}

fn everything(condition: Option<Condition>, sort: Option<Sort>) -> Selection {
    Selection {
        condition,
        sort,
        from: From::Offset(0),
        count: 100,
    }
}

/// Whom a filter finds, in order of id.
fn found(
    subject: &dyn Subject,
    of: &Configuration,
    kind: ResourceKind,
    filter: &str,
) -> Vec<ResourceId> {
    let selection = everything(Some(condition(kind, filter)), None);
    let (total, ids, next) = page(subject, of, kind, &selection);
    assert_eq!((total, next), (ids.len() as u64, None), "{filter}");
    assert!(ids.is_sorted(), "{filter}");
    ids
}

pub(super) fn filters_find_what_the_evaluator_says(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let documents = [
        json!({"userName": "Ava", "displayName": "Ava Öz", "externalId": "E-1", "emails": [
            {"value": "Ava@x.example", "type": "work", "primary": true},
            {"value": "a@y.example", "type": "home"}]}),
        json!({"userName": "ben", "active": false, "title": "Boss", "name": {"familyName": "Öz"}}),
        json!({"userName": "cy", "emails": [{"value": "cy@x.example", "type": "home"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Works"}}),
        json!({"userName": "Dan_1%", "title": ""}),
    ];
    let users: Vec<(ResourceId, Map<String, Value>)> = documents
        .into_iter()
        .map(|document| {
            let write = user(document);
            let mut shown = write.document.clone();
            let id = insert(subject, &okta, write).expect("a user");
            shown.insert("id".to_owned(), id.to_string().into());
            (id, shown)
        })
        .collect();
    insert(
        subject,
        &subject.configuration("Other"),
        user(json!({"userName": "far", "title": "Boss"})),
    )
    .expect("a user of another configuration");
    for filter in [
        "userName eq \"AVA\"",
        "userName sw \"b\" or userName ew \"Y\"",
        "userName co \"_1%\"",
        "userName gt \"b\" and userName le \"cy\"",
        "not (title pr)",
        "title eq \"\"",
        "active eq true",
        "active ne true",
        "externalId eq \"E-1\"",
        "externalId eq \"e-1\"",
        "externalId ne \"E-1\"",
        "emails[type eq \"work\" and value co \"x.example\"]",
        "emails[type eq \"work\" and value co \"y.example\"]",
        "emails.value eq \"CY@x.example\" and userName lt \"d\"",
        "emails.value eq \"a@y.example\"",
        "not (emails pr)",
        "emails[not (type eq \"work\")]",
        "name.familyName eq \"öz\"",
        "displayName ew \"ÖZ\"",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"works\"",
        "id pr",
        "(title pr or externalId pr) and not (userName eq \"ben\")",
    ] {
        let bound = condition(ResourceKind::User, filter);
        let mut wanted: Vec<_> = users
            .iter()
            .filter(|(_, shown)| bound.matches(shown))
            .collect();
        wanted.sort_by_key(|(id, _)| *id);
        let wanted: Vec<_> = wanted.iter().map(|(id, _)| *id).collect();
        assert_eq!(
            found(subject, &okta, ResourceKind::User, filter),
            wanted,
            "{filter}"
        );
    }
    let ava = users[0].0;
    let all = found(subject, &okta, ResourceKind::User, "id pr");
    let of = |filter: &str| found(subject, &okta, ResourceKind::User, filter);
    assert_eq!(of(&format!("id eq \"{ava}\"")), [ava]);
    assert_eq!(
        of(&format!("meta.location eq \"{BASE}/Users/{ava}\"")),
        [ava]
    );
    assert_eq!(of("meta.resourceType eq \"User\""), all);
    assert_eq!(of("meta.version eq \"W/\\\"1\\\"\""), all);
    assert_eq!(of("meta.created gt \"2027-01-15T08:00:00Z\""), all);
    assert_eq!(of("meta.lastModified gt \"2027-01-15T08:00:00.123Z\""), []);
    assert_eq!(of("meta.lastModified ge \"2027-01-15T08:00:00.123Z\""), all);
}

pub(super) fn pages_hold_everybody_once_in_order(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    for (at, title) in [Some("b"), None, Some("a"), Some("B"), None, Some("c")]
        .into_iter()
        .enumerate()
    {
        let mut document = json!({"userName": format!("user{}", 5 - at)});
        if let (Some(title), Value::Object(members)) = (title, &mut document) {
            members.insert("title".to_owned(), title.into());
        }
        insert(subject, &okta, user(document)).expect("a user");
    }
    let kind = ResourceKind::User;
    let titles = |ids: &[ResourceId]| {
        let users = ids
            .iter()
            .map(|id| find(subject, &okta, *id).expect("a user"));
        let titles = users.map(
            |user| match user.document.get("title").and_then(Value::as_str) {
                Some(title) => title.to_lowercase(),
                None => "-".to_owned(),
            },
        );
        titles.collect::<Vec<_>>().join(" ")
    };
    for (path, descending, order) in [
        ("title", false, "a b b c - -"),
        ("title", true, "- - c b b a"),
        ("userName", false, "c - b a - b"),
        ("userName", true, "b - a b - c"),
        ("id", false, ""),
        ("meta.lastModified", true, ""),
        ("meta.created", false, ""),
        ("emails", false, ""),
        ("active", true, ""),
    ] {
        let all = everything(None, Some(sort(kind, path, descending)));
        let (total, whole, next) = page(subject, &okta, kind, &all);
        assert_eq!((total, whole.len(), next), (6, 6, None), "{path}");
        if !order.is_empty() {
            assert_eq!(titles(&whole), order, "{path} {descending}");
        } else {
            assert!(
                whole.is_sorted(),
                "who is alike comes in order of id: {path}"
            );
        }
        let none = Selection {
            count: 0,
            ..all.clone()
        };
        assert_eq!(page(subject, &okta, kind, &none), (6, Vec::new(), None));
        for size in [1, 2, 5] {
            let (mut walked, mut from) = (Vec::new(), From::Offset(0));
            loop {
                let part = Selection {
                    from,
                    count: size,
                    ..all.clone()
                };
                let (total, ids, next) = page(subject, &okta, kind, &part);
                assert_eq!(total, 6, "the total is that of all pages");
                walked.extend(ids);
                match next {
                    Some(keyset) => from = From::After(keyset),
                    None => break,
                }
            }
            assert_eq!(walked, whole, "{path} by {size}");
        }
        let by_offset: Vec<_> = [0, 2, 4, 6]
            .into_iter()
            .flat_map(|at| {
                let part = Selection {
                    from: From::Offset(at),
                    count: 2,
                    ..all.clone()
                };
                page(subject, &okta, kind, &part).1
            })
            .collect();
        assert_eq!(by_offset, whole, "{path} by offset");
    }
    let few = Selection {
        condition: Some(condition(kind, "title pr")),
        count: 2,
        ..everything(None, None)
    };
    let (total, ids, next) = page(subject, &okta, kind, &few);
    assert_eq!((total, ids.len()), (4, 2));
    assert_eq!(next.map(|keyset| keyset.id), ids.last().copied());
}

pub(super) fn groups_are_sorted_and_found_by_their_members(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let [ops, dev] = ["ops", "Dev"].map(|name| add_group(subject, &okta, name));
    let named = group(json!({"displayName": "Art", "externalId": "G"}));
    let art = insert_group(subject, &okta, named).expect("a group");
    let [ava, bo] = ["ava", "Bo"].map(|name| add(subject, &okta, name));
    join(subject, ops, &[ava, bo]);
    join(subject, dev, &[ava]);
    let groups = |filter: &str| {
        let mut found = found(subject, &okta, ResourceKind::Group, filter);
        found.sort();
        found
    };
    let users = |filter: &str| found(subject, &okta, ResourceKind::User, filter);
    let sorted = |mut ids: Vec<ResourceId>| {
        ids.sort();
        ids
    };
    assert_eq!(groups("displayName eq \"OPS\""), [ops]);
    assert_eq!(groups("displayName sw \"d\""), [dev]);
    assert_eq!(groups("externalId eq \"G\""), [art]);
    assert_eq!(
        groups(&format!("members.value eq \"{ava}\"")),
        sorted(vec![ops, dev])
    );
    assert_eq!(groups(&format!("members[value eq \"{bo}\"]")), [ops]);
    assert_eq!(groups("members.display eq \"BO\""), [ops]);
    assert_eq!(
        groups("members[type eq \"user\" and display eq \"ava\"]"),
        sorted(vec![ops, dev])
    );
    assert_eq!(groups("not (members pr)"), [art]);
    assert_eq!(groups("members[type eq \"Group\"]"), []);
    assert_eq!(users(&format!("groups.value eq \"{dev}\"")), [ava]);
    assert_eq!(users("groups.display eq \"OPS\""), sorted(vec![ava, bo]));
    assert_eq!(users("not (groups.display eq \"dev\")"), [bo]);
    subject.protect(bo);
    assert_eq!(
        groups("members.display eq \"bo\""),
        [],
        "nobody is found by whom it does not see"
    );
    let order = |path: &str, descending| {
        let all = everything(None, Some(sort(ResourceKind::Group, path, descending)));
        page(subject, &okta, ResourceKind::Group, &all).1
    };
    assert_eq!(order("displayName", false), [art, dev, ops]);
    assert_eq!(order("displayName", true), [ops, dev, art]);
    assert_eq!(order("externalId", false)[0], art);
    assert_eq!(order("externalId", true)[2], art);
}

/// A user whom the provider knows by a name that is not the one of the record.
fn sent_as(name: &str, logon: &str) -> UserWrite {
    let mut write = named(name);
    let logon = FieldValue::Text(logon.to_owned());
    write.record.insert(Field::UserName, logon);
    write
}

pub(super) fn a_name_is_the_same_with_blanks_around_it(subject: &dyn Subject) {
    const BLANKS: [&str; 5] = ["ava", " ava", "Ava ", "\u{a0}ava\u{2003}", "\u{3000}AVA"];
    let (okta, other) = (
        subject.configuration("Okta"),
        subject.configuration("Other"),
    );
    for (at, stored) in BLANKS.into_iter().enumerate() {
        let of = subject.configuration(&format!("Okta {at}"));
        let ava = insert(subject, &of, sent_as(stored, &format!("ava{at}"))).expect("a free name");
        let mut group = group_named(stored);
        group.name = "the record's own".to_owned();
        let ops = insert_group(subject, &of, group).expect("a free name");
        for said in BLANKS {
            let again = insert(subject, &of, sent_as(said, "another"));
            assert!(is_taken(&again, "userName"), "{stored:?} {said:?}");
            let mut group = group_named(said);
            group.name = "another".to_owned();
            let again = insert_group(subject, &of, group);
            assert!(is_taken(&again, "displayName"), "{stored:?} {said:?}");
            let quoted = json!(said);
            for (kind, attribute, id) in [
                (ResourceKind::User, "userName", ava),
                (ResourceKind::Group, "displayName", ops),
            ] {
                for operator in ["eq", "ge", "le"] {
                    let filter = format!("{attribute} {operator} {quoted}");
                    assert_eq!(
                        found(subject, &of, kind, &filter),
                        [id],
                        "{stored:?} {filter}"
                    );
                }
                for operator in ["ne", "gt", "lt"] {
                    let filter = format!("{attribute} {operator} {quoted}");
                    assert_eq!(
                        found(subject, &of, kind, &filter),
                        [],
                        "{stored:?} {filter}"
                    );
                }
            }
        }
        let of_stored = find(subject, &of, ava).expect("a user").document;
        assert_eq!(of_stored["userName"], stored, "it is kept as it was sent");
    }
    let three = [" cy", "\u{3000}ben lee ", "ava"];
    let ids = three.map(|name| insert(subject, &okta, sent_as(name, name.trim())).expect("a user"));
    let order = Some(sort(ResourceKind::User, "userName", false));
    let sorted = page(subject, &okta, ResourceKind::User, &everything(None, order)).1;
    assert_eq!(sorted, [ids[2], ids[1], ids[0]]);
    for (filter, wanted) in [
        ("userName sw \" c\"", vec![ids[0]]),
        ("userName ew \"lee  \"", vec![ids[1]]),
        ("userName co \"n l\"", vec![ids[1]]),
        ("userName co \" c\"", vec![]),
        ("userName sw \"ben \"", vec![ids[1]]),
        ("userName sw \"cy \"", vec![]),
    ] {
        assert_eq!(
            found(subject, &okta, ResourceKind::User, filter),
            wanted,
            "{filter}"
        );
    }
    // Whoever names a manager by userName names the same.
    let report = |of, name: &str, manager: &str| {
        let mut write = named(name);
        let manager = FieldValue::Text(manager.to_owned());
        write.record.insert(Field::Manager, manager);
        insert(subject, of, write).expect("a user")
    };
    let (early, boss) = (
        report(&other, "early", "the boss"),
        insert(subject, &other, sent_as(" The Boss", "boss")).expect("a user"),
    );
    let late = report(&other, "late", "the boss ");
    for id in [early, late] {
        assert_eq!(
            find(subject, &other, id).expect("a user").manager,
            Some(boss)
        );
    }
}

pub(super) fn the_address_of_a_manager_is_found_as_it_is_shown(subject: &dyn Subject) {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let okta = subject.configuration("Okta");
    let (zoe, ava) = (add(subject, &okta, "zoe"), add(subject, &okta, "ava"));
    let report = |name: &str, manager: &str, reference: &str| {
        let manager = json!({"value": manager, "$ref": reference});
        let sent = user(json!({"userName": name, ENTERPRISE: {"manager": manager}}));
        insert(subject, &okta, sent).expect("a user")
    };
    let far = "https://elsewhere.example/Users/7";
    let of_ava = report("1", &ava.to_string(), far);
    let of_zoe = report("2", &zoe.to_string(), "../Users/x");
    let by_name = report("3", "ava", far);
    let nobody = report("4", "nobody", far);
    let of = |test: &str| {
        let filter = format!("{ENTERPRISE}:manager.$ref {test}");
        found(subject, &okta, ResourceKind::User, &filter)
    };
    assert_eq!(of(&format!("eq \"{BASE}/Users/{ava}\"")), [of_ava]);
    assert_eq!(of(&format!("sw \"{BASE}/Users/\"")), [of_ava, of_zoe]);
    assert_eq!(of("pr"), [of_ava, of_zoe]);
    assert_eq!(of(&format!("eq \"{far}\"")), []);
    let absent = format!("not ({ENTERPRISE}:manager.$ref pr) and {ENTERPRISE}:manager pr");
    let absent = found(subject, &okta, ResourceKind::User, &absent);
    assert_eq!(absent, [by_name, nobody]);
    let path = format!("{ENTERPRISE}:manager.$ref");
    let order = Some(sort(ResourceKind::User, &path, true));
    let sorted = page(subject, &okta, ResourceKind::User, &everything(None, order)).1;
    assert_eq!(sorted, [zoe, ava, by_name, nobody, of_ava, of_zoe]);
    subject.protect(zoe);
    assert_eq!(of("pr"), [of_ava], "nobody is told of whom it does not see");
}

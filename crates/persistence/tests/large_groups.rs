//! Groups of very many members: answered whole, and never held as values.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use common::crowd::{self, Crowd};
#[cfg(target_os = "linux")]
use common::peak;
use common::{Engine, House};
use scim_protocol::schema::uri;
use scim_provisioning::{Method, Request, ResourceKind};
use serde_json::{Value, json};

const MEMBERS: usize = 100_000;
const CROWD: Crowd = Crowd {
    users: MEMBERS,
    groups: 1,
    large: MEMBERS,
    events: 1,
};

/// The body of an answer, and how much memory it took to make it.
fn answered(
    house: &House,
    method: Method,
    path: &str,
    query: &str,
    body: &Value,
) -> (String, usize) {
    let body = body.to_string();
    let request = Request {
        method,
        path,
        query,
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    #[cfg(target_os = "linux")]
    let before = {
        let _begun = peak();
        peak()
    };
    let answer = house.provider.answer(&house.caller, &request);
    #[cfg(target_os = "linux")]
    let grown = peak().saturating_sub(before);
    #[cfg(not(target_os = "linux"))]
    let grown = 0;
    assert_eq!(answer.status, 200, "{path}?{query}: {:?}", answer.body);
    (answer.written.unwrap(), grown)
}

/// A body that took the text itself, and little beside it.
fn bounded(house: &House, method: Method, path: &str, query: &str, body: &Value) -> String {
    let (text, grown) = answered(house, method, path, query, body);
    let bound = 2 * text.len() + 12 * 1024 * 1024;
    assert!(grown < bound, "{path}?{query}: {grown} for {}", text.len());
    text
}

/// Hides members at the ends of chunks and through whole chunks, and nests a group.
fn hide(house: &House) -> impl Fn(usize) -> bool {
    let among = |from: usize, to: usize| {
        let (from, to) = (crowd::id('u', from), crowd::id('u', to));
        format!("BETWEEN '{from}' AND '{to}'")
    };
    for (change, from, to) in [
        ("users SET is_tenant_admin = 1 WHERE id", 499, 501),
        ("users SET managed_by = NULL WHERE id", 2_001, 4_000),
        (
            "group_members SET held_id = member_id, held_at = 1 WHERE member_id",
            7_000,
            9_000,
        ),
        ("users SET left_at = 1 WHERE id", MEMBERS - 700, MEMBERS),
    ] {
        house.tamper(&format!("UPDATE {change} {}", among(from, to)));
    }
    let (group, nested) = (crowd::id('g', 1), crowd::id('g', 2));
    house.tamper(&format!(
        "INSERT INTO group_members (group_id, member_id, member_kind, added_at) \
         VALUES ('{group}', '{nested}', 'Group', 1)"
    ));
    |at| {
        (499..=501).contains(&at)
            || (2_001..=4_000).contains(&at)
            || (7_000..=9_000).contains(&at)
            || at >= MEMBERS - 700
    }
}

/// A member of the large group as it is written.
fn member(base: &str, kind: ResourceKind, id: &str, part: Part) -> String {
    match part {
        Part::Default => {
            let kind = kind.as_str();
            format!(r#"{{"value":"{id}","$ref":"{base}/{kind}s/{id}","type":"{kind}"}}"#)
        }
        Part::Value => format!(r#"{{"value":"{id}"}}"#),
        Part::Display(name) => format!(r#"{{"display":"{name}"}}"#),
    }
}

/// What is asked for of a member.
enum Part {
    Default,
    Value,
    Display(String),
}

/// The members that a client is to see, in order.
fn members(shown: impl Fn(usize) -> bool, write: impl Fn(ResourceKind, usize) -> String) -> String {
    let mut written = Vec::new();
    for at in (1..=MEMBERS).filter(|at| shown(*at)) {
        written.push(write(ResourceKind::User, at));
        if at == 2 {
            written.push(write(ResourceKind::Group, at));
        }
    }
    format!(r#","members":[{}]}}"#, written.join(","))
}

fn member_id(kind: ResourceKind, at: usize) -> String {
    match kind {
        ResourceKind::User => crowd::id('u', at),
        ResourceKind::Group => crowd::id('g', at),
    }
}

/// One test, because the memory is that of the process. Texts are compared, because their values
/// would take so much memory that nothing could be seen of an answer's.
fn a_group_of_very_many_members_is_answered_whole_and_held_as_text_alone(engine: &Engine) {
    let house = crowd::filled(engine, CROWD);
    let hidden = hide(&house);
    let path = format!("/Groups/{}", crowd::id('g', 1));
    let get = |path: &str, query: &str| bounded(&house, Method::Get, path, query, &Value::Null);

    let whole = get(&path, "");
    // Nothing of it is asked for.
    let bare = get(&path, "excludedAttributes=members");
    let envelope = bare.strip_suffix('}').unwrap();
    let base = envelope.split("\"location\":\"").nth(1).unwrap();
    let base = base.split("/Groups/").next().unwrap();
    let everybody = |at: usize| !hidden(at);
    let as_is =
        |kind: ResourceKind, at: usize| member(base, kind, &member_id(kind, at), Part::Default);
    let group = format!("{envelope}{}", members(everybody, as_is));
    assert!(group.len() > 10_000_000, "{}", group.len());
    assert!(
        whole == group,
        "{engine:?}: {} of {}",
        whole.len(),
        group.len()
    );

    // A page holds it, be it the first resource there or the next one.
    let page = get("/Groups", "count=3");
    assert!(page.contains("\"itemsPerPage\":1,") && page.contains(&group));
    let sorted = "sortBy=displayName&sortOrder=descending&count=3";
    let page = get("/Groups", sorted);
    assert!(
        page.contains("\"itemsPerPage\":2,") && page.len() < 10_000,
        "{page}"
    );
    let page = get("/Groups", &format!("{sorted}&startIndex=3"));
    assert!(page.contains("\"itemsPerPage\":1,") && page.contains(&group));
    drop(page);

    // So is what a change answers.
    let patch = json!({"schemas": [uri::PATCH_OP], "Operations": [{"op": "remove",
        "path": format!("members[value eq \"{}\"]", crowd::id('u', 6_000))}]});
    let query = "attributes=members.value";
    let answer = bounded(&house, Method::Patch, &path, query, &patch);
    let values = members(
        |at| at != 6_000 && everybody(at),
        |kind, at| member(base, kind, &member_id(kind, at), Part::Value),
    );
    assert!(answer.ends_with(&values), "{engine:?}");
    let named = get(&path, "attributes=members.display");
    let names = members(
        |at| at != 6_000 && everybody(at),
        |kind, at| {
            let name = match kind {
                ResourceKind::User => format!("{} Doe", crowd::name(at)),
                ResourceKind::Group => crowd::name(at),
            };
            member(base, kind, &member_id(kind, at), Part::Display(name))
        },
    );
    assert!(named.ends_with(&names), "{engine:?}");
}

engines::tests! {
    in_turn;
    on_both(Engine::clone):
        a_group_of_very_many_members_is_answered_whole_and_held_as_text_alone;
}

//! POST of a user: who is created, taken over, or in the way.

use scim_mapping::{Field, FieldValue, OnAbsent, OnError, OnUnknown, ReferenceKind};
use scim_protocol::Version;
use scim_protocol::schema::uri;
use scim_provisioning::directory::{Approval, Author, Status};
use scim_provisioning::policy::{Deletion, RepeatedExternalIds};
use scim_provisioning::{Cause, ExistingUsers, Failure, Method, Outcome, RunId};
use serde_json::{Value, json};

use crate::house::{House, path_of, user};

#[test]
fn a_user_is_created_mapped_and_told() {
    let house = House::new();
    let body = json!({"schemas": [uri::USER], "userName": "Ava", "title": "Boss",
        "emails": [{"value": "AVA@corp.example", "type": "work"}]});
    let id = house.create("/Users", &body);
    let stored = house.stored(id);
    let text = |field: &Field| stored.record.get(field).and_then(FieldValue::as_text);
    assert_eq!(text(&Field::JobTitle), Some("Boss"));
    assert_eq!(text(&Field::Email), Some("ava@corp.example"));
    assert_eq!(
        (stored.status, stored.version),
        (Status::Active, Version(1))
    );
    assert_eq!(
        (stored.created, stored.last_modified),
        (house.now(), house.now())
    );
    let told = house.last();
    assert_eq!(
        (told.action.as_str(), told.outcome, told.status),
        ("create", Outcome::Success, 201)
    );
    assert_eq!(
        (told.resource_id, told.resource_name.as_deref()),
        (Some(id), Some("Ava"))
    );
    assert_eq!(
        house.directory.author().map(|author| author.actor),
        Some(Author::configuration("Okta").actor)
    );
    let shown = house.get(&path_of("Users", id));
    assert_eq!(shown["meta"]["created"], "2027-01-15T08:00:01.000Z");
    assert_eq!(shown["active"], true);
}

#[test]
fn what_says_no_user_or_more_than_is_known_is_refused() {
    let house = House::new();
    let refused = |body: Value| house.refused(Method::Post, "/Users", &body);
    for (body, cause) in [
        (json!({"schemas": [uri::USER]}), Cause::ValueInvalid),
        (user(" "), Cause::ValueInvalid),
        (user(&"a".repeat(600)), Cause::ValueInvalid),
        (
            json!({"schemas": [uri::USER], "userName": ["a", "b"]}),
            Cause::ValueInvalid,
        ),
    ] {
        assert_eq!(refused(body.clone()), (400, cause), "{body}");
    }
    assert_eq!(house.get("/Users")["totalResults"], 0);
    let open = house.directory.log_entries();
    assert!(
        open.iter().all(|(_, open)| *open),
        "somebody has to look at them"
    );
}

#[test]
fn what_is_in_the_way_is_answered_alike_and_told_apart_in_the_log() {
    let house = House::with(|policies| policies.existing_users = ExistingUsers::Refuse);
    house.create("/Users", &user("own"));
    house.ask_as(
        &house.another("Other"),
        Method::Post,
        "/Users",
        &user("foreign"),
    );
    house.by_hand("hand", |_| {});
    house.by_hand("role", |person| {
        person.role = Some("Account Administrator".to_owned())
    });
    house.by_hand("account", |person| person.account = true);
    house.by_hand("chief", |person| person.protected = true);
    let mut details = Vec::new();
    for (name, cause, outcome) in [
        ("OWN", Cause::UniquenessOwn, Outcome::Failure),
        ("foreign", Cause::UniquenessForeign, Outcome::Failure),
        ("hand", Cause::UniquenessByHand, Outcome::Failure),
        ("role", Cause::UniquenessPrivileged, Outcome::Failure),
        ("account", Cause::UniquenessPrivileged, Outcome::Failure),
        ("chief", Cause::UniquenessProtected, Outcome::Skipped),
        (
            "chief@hand.example",
            Cause::UniquenessProtected,
            Outcome::Skipped,
        ),
    ] {
        let answer = house.ask(Method::Post, "/Users", &user(name));
        let told = house.last();
        assert_eq!(
            (answer.status, told.cause, told.outcome),
            (409, Some(cause), outcome),
            "{name}"
        );
        details.push(answer.document().unwrap()["detail"].clone());
        assert!(told.detail.is_some() && told.detail != told.reason);
    }
    assert!(
        details.windows(2).all(|pair| pair[0] == pair[1]),
        "{details:?}"
    );
    assert!(house.directory.links().is_empty());
}

#[test]
fn a_person_made_by_hand_waits_for_an_administrator_or_is_taken_over() {
    let mut house = House::new();
    let eve = house.by_hand("eve", |person| person.user.status = Status::Blocked);
    assert_eq!(
        house.refused(Method::Post, "/Users", &user("Eve")),
        (409, Cause::UniquenessByHand)
    );
    let waiting = house.directory.links();
    assert_eq!(
        (waiting.len(), waiting[0].person, waiting[0].attribute),
        (1, eve, "userName")
    );
    house.configure(|policies| policies.existing_users = ExistingUsers::Link);
    let linked = house.create("/Users", &user("Eve"));
    assert_eq!(linked, eve);
    assert_eq!(house.told(), ("link", Outcome::Success));
    let person = house.person(eve);
    assert_eq!(person.managed_by, Some(house.caller.configuration.id));
    assert_eq!(
        person.user.status,
        Status::Blocked,
        "silence lets nobody in"
    );
    assert_eq!(house.get(&path_of("Users", eve))["active"], false);
}

#[test]
fn several_who_share_a_value_are_linked_with_nobody() {
    let house = House::with(|policies| policies.existing_users = ExistingUsers::Link);
    house.by_hand("eve", |_| {});
    house.by_hand("bob", |_| {});
    let both = json!({"schemas": [uri::USER], "userName": "eve",
        "emails": [{"value": "bob@hand.example"}]});
    assert_eq!(
        house.refused(Method::Post, "/Users", &both),
        (409, Cause::UniquenessByHand)
    );
    assert_eq!(house.get("/Users")["totalResults"], 0);
}

#[test]
fn an_approved_link_takes_the_person_who_was_seen_and_nobody_else() {
    let house = House::new();
    let eve = house.by_hand("eve", |_| {});
    house.refused(Method::Post, "/Users", &user("eve"));
    let run = RunId::new();
    let approval = |seen| Approval {
        person: eve,
        seen,
        user_name: "eve".to_owned(),
        actor: "admin".to_owned(),
        source: None,
        run,
    };
    let link = |seen, body: Value| {
        let configuration = (*house.caller.configuration).clone();
        house.provider.link(configuration, body, approval(seen))
    };
    let cause = |done: Result<(), Failure>| done.unwrap_err().cause();
    assert_eq!(cause(link(Version(7), user("eve"))), Cause::LinkOutdated);
    assert_eq!(
        cause(link(Version(1), user("somebody"))),
        Cause::LinkOutdated
    );
    assert_eq!(house.person(eve).managed_by, None);
    assert_eq!(house.directory.links().len(), 1, "it waits as before");
    link(Version(1), user("eve")).unwrap();
    assert_eq!(
        house.person(eve).managed_by,
        Some(house.caller.configuration.id)
    );
    assert_eq!(house.directory.approvals(), [approval(Version(1))]);
    assert!(house.directory.links().is_empty());
    assert_eq!(house.last().actor.as_deref(), Some("admin"));
    let author = house.directory.author().unwrap();
    assert_eq!(author.actor, Author::administrator("admin").actor);
    assert_eq!(author.run, Some(run));
}

#[test]
fn whom_a_delete_blocked_is_taken_up_again() {
    let house = House::with(|policies| policies.deletion = Deletion::Block);
    let ava = house.create("/Users", &user("ava"));
    house.done(Method::Delete, &path_of("Users", ava), &Value::Null);
    assert_eq!(house.create("/Users", &user("AVA")), ava);
    assert_eq!(house.stored(ava).status, Status::Active);
    house.done(Method::Delete, &path_of("Users", ava), &Value::Null);
    // Not where somebody else has one of the values.
    house.by_hand("eve", |_| {});
    let both = json!({"schemas": [uri::USER], "userName": "ava",
        "emails": [{"value": "eve@hand.example"}]});
    assert_eq!(
        house.refused(Method::Post, "/Users", &both),
        (409, Cause::UniquenessLeft)
    );
}

#[test]
fn a_repeated_external_id_is_told_or_refused() {
    let mut house = House::new();
    let with_id = |name: &str| json!({"schemas": [uri::USER], "userName": name, "externalId": "7"});
    house.create("/Users", &with_id("ava"));
    assert_eq!(house.told(), ("create", Outcome::Success));
    house.create("/Users", &with_id("bo"));
    assert_eq!(house.told(), ("create", Outcome::Warning));
    house.configure(|policies| policies.external_ids = RepeatedExternalIds::Refuse);
    let refused = house.refused(Method::Post, "/Users", &with_id("cy"));
    assert_eq!(refused, (409, Cause::UniquenessOwn));
}

#[test]
fn rules_refuse_warn_and_make_what_fields_name() {
    let mut house = House::new();
    let enterprise = |department: &str| {
        json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": department,
            uri::ENTERPRISE_USER: {"department": department}})
    };
    let field = |house: &House, id| house.stored(id).record.get(&Field::Department).cloned();
    let text = |text: &str| Some(FieldValue::Text(text.to_owned()));
    let unknown = |house: &mut House, choice: OnUnknown| {
        house.map(|model| {
            let rules = model.users.rules.iter_mut();
            let rule = rules.filter(|rule| rule.target == Field::Department);
            rule.for_each(|rule| rule.on_unknown = Some(choice));
        });
    };
    unknown(&mut house, OnUnknown::Create);
    let one = house.create("/Users", &enterprise("Works"));
    assert_eq!(field(&house, one), text("Works"));
    unknown(&mut house, OnUnknown::Ignore);
    let two = house.create("/Users", &enterprise("Mines"));
    assert_eq!(
        (field(&house, two), house.told()),
        (None, ("create", Outcome::Warning))
    );
    unknown(&mut house, OnUnknown::Reject);
    let refused = house.refused(Method::Post, "/Users", &enterprise("Docks"));
    assert_eq!(refused, (400, Cause::ReferenceUnknown));
    house
        .directory
        .add_reference(ReferenceKind::Department, "DOCKS", false);
    let three = house.create("/Users", &enterprise("Docks"));
    assert_eq!(
        field(&house, three),
        text("Docks"),
        "a name stays as it was written"
    );
    house.map(|model| {
        let rules = model.users.rules.iter_mut();
        for rule in rules.filter(|rule| rule.target == Field::JobTitle) {
            (rule.required, rule.on_error, rule.on_absent) =
                (true, OnError::Reject, OnAbsent::default());
        }
    });
    let refused = house.refused(Method::Post, "/Users", &user("untitled"));
    assert_eq!(refused, (400, Cause::MappingRejected));
}

//! Members of groups: by POST, PUT and PATCH, and what the guard says of many.

use scim_protocol::Version;
use scim_protocol::schema::uri;
use scim_provisioning::policy::{MemberGuard, MemberGuardAction, UnknownMembers};
use scim_provisioning::{Cause, ExistingUsers, Method, Outcome, ResourceId};
use serde_json::{Value, json};

use crate::house::{House, group, patch, path_of, user};

fn members(house: &House, group: ResourceId) -> Vec<ResourceId> {
    let members = house.directory.members(group).into_iter();
    members.map(|(member, _)| member).collect()
}

fn users<const N: usize>(house: &House) -> [ResourceId; N] {
    std::array::from_fn(|at| house.create("/Users", &user(&format!("user{at}"))))
}

fn value(id: ResourceId) -> Value {
    json!({"value": id.to_string()})
}

#[test]
fn members_come_and_go_by_name_by_filter_and_all_at_once() {
    let house = House::new();
    let [a, b, c] = users(&house);
    let ops = house.create("/Groups", &group("Ops", &[a]));
    let path = path_of("Groups", ops);
    let change = |operation: Value| house.done(Method::Patch, &path, &patch(json!([operation])));
    let version = |house: &House| house.directory.group(ops).unwrap().group.version;
    change(json!({"op": "add", "path": "members", "value": [value(a), value(b)]}));
    assert_eq!(
        (members(&house, ops), version(&house)),
        (vec![a, b], Version(2))
    );
    assert_eq!(house.told(), ("changeMembers", Outcome::Success));
    change(json!({"op": "add", "path": "members", "value": [value(b)]}));
    assert_eq!(version(&house), Version(2), "who is there changes nothing");
    change(json!({"op": "remove", "path": format!("members[value eq \"{a}\"]")}));
    assert_eq!(members(&house, ops), [b]);
    change(json!({"op": "add", "path": "members", "value": [value(a), value(c)]}));
    change(json!({"op": "remove", "path": "members[display eq \"USER2\"]"}));
    assert_eq!(members(&house, ops), [a, b]);
    let swap =
        json!({"op": "replace", "path": format!("members[value eq \"{a}\"]"), "value": value(c)});
    change(swap);
    assert_eq!(members(&house, ops), [b, c]);
    house.done(Method::Put, &path, &group("Ops", &[a, b]));
    assert_eq!(members(&house, ops), [a, b]);
    change(json!({"op": "remove", "path": "members"}));
    assert_eq!(members(&house, ops), []);
}

#[test]
fn members_whom_nobody_sees_are_refused_or_left_out_and_join_later() {
    let mut house = House::with(|policies| policies.unknown_members = UnknownMembers::Refuse);
    let [ava] = users(&house);
    let eve = house.by_hand("eve", |_| {});
    let chief = house.by_hand("chief", |person| person.protected = true);
    let ops = house.create("/Groups", &group("Ops", &[]));
    let path = path_of("Groups", ops);
    let add = |ids: &[ResourceId]| {
        let values: Vec<_> = ids.iter().map(|id| value(*id)).collect();
        patch(json!([{"op": "add", "path": "members", "value": values}]))
    };
    for (id, cause) in [
        (eve, Cause::MemberUnknown),
        (ResourceId::new(), Cause::MemberUnknown),
        (chief, Cause::MemberProtected),
    ] {
        let refused = house.refused(Method::Patch, &path, &add(&[ava, id]));
        assert_eq!(refused, (400, cause));
        let refused = house.refused(Method::Post, "/Groups", &group("Dev", &[ava, id]));
        assert_eq!(refused, (400, cause));
    }
    assert_eq!(members(&house, ops), [], "nothing of it is applied");
    house.configure(|policies| policies.unknown_members = UnknownMembers::Skip);
    house.done(Method::Patch, &path, &add(&[ava, eve]));
    assert_eq!(
        (members(&house, ops), house.told().1),
        (vec![ava], Outcome::Warning)
    );
    assert_eq!(house.directory.awaited(ops), [eve]);
    house.configure(|policies| policies.existing_users = ExistingUsers::Link);
    house.create("/Users", &user("eve"));
    let mut both = vec![ava, eve];
    both.sort();
    assert_eq!(
        (members(&house, ops), house.directory.awaited(ops)),
        (both, vec![])
    );
}

#[test]
fn a_group_is_no_member_of_itself_through_others_either() {
    let house = House::new();
    let a = house.create("/Groups", &group("a", &[]));
    let b = house.create("/Groups", &group("b", &[a]));
    let c = house.create("/Groups", &group("c", &[b]));
    let add = |to: ResourceId, member: ResourceId| {
        let body = patch(json!([{"op": "add", "path": "members", "value": [value(member)]}]));
        house.refused(Method::Patch, &path_of("Groups", to), &body)
    };
    assert_eq!(add(a, a), (400, Cause::MemberCircle));
    assert_eq!(add(a, b), (400, Cause::MemberCircle));
    assert_eq!(add(a, c), (400, Cause::MemberCircle));
    assert_eq!(members(&house, a), []);
}

#[test]
fn a_filter_that_selects_nobody_and_a_request_that_names_too_many_are_refused() {
    let house = House::new();
    let [ava] = users(&house);
    let ops = house.create("/Groups", &group("Ops", &[ava]));
    let path = path_of("Groups", ops);
    let swap =
        json!({"op": "replace", "path": "members[value eq \"nobody\"]", "value": value(ava)});
    let refused = house.refused(Method::Patch, &path, &patch(json!([swap])));
    assert_eq!(refused, (400, Cause::TargetMissing));
    let most = house.provider.limits().patch_members;
    let many: Vec<_> = std::iter::repeat_n(value(ava), most + 1).collect();
    let add = patch(json!([{"op": "add", "path": "members", "value": many}]));
    assert_eq!(
        house.refused(Method::Patch, &path, &add),
        (413, Cause::RequestTooLarge)
    );
}

#[test]
fn the_guard_of_members_holds_rejects_or_warns() {
    for action in [
        MemberGuardAction::Hold,
        MemberGuardAction::Reject,
        MemberGuardAction::Warn,
    ] {
        let house = House::with(|policies| {
            policies.member_guard = MemberGuard {
                count: 1,
                percent: 20,
                action,
            };
        });
        let [a, b, c] = users(&house);
        let ops = house.create("/Groups", &group("Ops", &[a, b, c]));
        let path = path_of("Groups", ops);
        house.done(Method::Put, &path, &group("Ops", &[a, b]));
        assert_eq!(house.told().1, Outcome::Success, "one may leave");
        let clear = patch(json!([{"op": "remove", "path": "members"}]));
        match action {
            MemberGuardAction::Reject => {
                let refused = house.refused(Method::Patch, &path, &clear);
                assert_eq!(refused, (403, Cause::GuardRejected));
                assert_eq!(members(&house, ops), [a, b]);
            }
            MemberGuardAction::Warn => {
                house.done(Method::Patch, &path, &clear);
                assert_eq!(
                    (members(&house, ops), house.told().1),
                    (vec![], Outcome::Warning)
                );
            }
            MemberGuardAction::Hold => {
                house.done(Method::Patch, &path, &clear);
                let told = house.last();
                assert_eq!(
                    (told.outcome, told.cause),
                    (Outcome::Held, Some(Cause::GuardHeld))
                );
                let held = house.directory.members(ops);
                let by = Some(house.caller.configuration.id);
                assert!(held.len() == 2 && held.iter().all(|(_, row)| row.held == by));
                assert_eq!(house.get(&path).get("members"), None, "it looks done");
                // Whoever is named again is a member as before.
                house.done(Method::Put, &path, &group("Ops", &[a]));
                assert_eq!(house.get(&path)["members"].as_array().unwrap().len(), 1);
            }
        }
    }
}

#[test]
fn members_that_cannot_be_read_stay() {
    let house = House::new();
    let [ava, bo] = users(&house);
    let team = house.create("/Groups", &group("Team", &[ava, bo]));
    let path = path_of("Groups", team);
    for unreadable in [json!(true), json!([[value(ava)]]), json!([true])] {
        let body = json!({"schemas": [uri::GROUP], "displayName": "Team", "members": unreadable});
        house.done(Method::Put, &path, &body);
        assert_eq!(members(&house, team).len(), 2, "{unreadable}");
        assert_eq!(house.told(), ("update", Outcome::Warning));
    }
    for nobody in [json!(""), json!([null]), json!([{"value": ""}])] {
        let body = json!({"schemas": [uri::GROUP], "displayName": "Team", "members": nobody});
        assert_eq!(house.refused(Method::Put, &path, &body).0, 400, "{nobody}");
    }
    assert_eq!(members(&house, team).len(), 2);
    let nobody = json!({"schemas": [uri::GROUP], "displayName": "Team", "members": null});
    house.done(Method::Put, &path, &nobody);
    assert!(members(&house, team).is_empty());
}

#[test]
fn members_come_and_go_by_their_uri_alone() {
    let house = House::new();
    let [ava, bo] = users(&house);
    let uri_of = |id| json!({"$ref": format!("{}{}", crate::house::BASE, path_of("Users", id))});
    let body = json!({"schemas": [uri::GROUP], "displayName": "Team", "members": [uri_of(ava)]});
    let team = house.create("/Groups", &body);
    let path = path_of("Groups", team);
    assert_eq!(members(&house, team), [ava]);
    for (op, id, left) in [("add", bo, 2), ("remove", ava, 1)] {
        let operation = json!([{"op": op, "path": "members", "value": [uri_of(id)]}]);
        house.done(Method::Patch, &path, &patch(operation));
        assert_eq!(members(&house, team).len(), left, "{op}");
    }
    assert_eq!(members(&house, team), [bo]);
}

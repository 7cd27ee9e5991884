//! Who leaves, is held, blocked or deleted, and what becomes of values.

use super::*;

pub(super) const LEAVING: &[Plant] = &[
    (
        "a block that the guard holds",
        |case| {
            let case = case.with(guarded(GuardAction::Hold));
            let id = case.create();
            leaver(&case);
            assert_eq!(case.patch(&id, "active", false), 200);
            own(&case)
        },
        "guard.held",
        false,
    ),
    (
        "a deletion that the guard holds",
        |case| {
            let case = case.with(guarded(GuardAction::Hold));
            let id = case.create();
            leaver(&case);
            case.delete(&id);
            own(&case)
        },
        "guard.held",
        false,
    ),
    (
        "a block that the guard rejects",
        |case| {
            let case = case.with(guarded(GuardAction::Reject));
            let id = case.create();
            leaver(&case);
            assert_eq!(case.patch(&id, "active", false), 403);
            own(&case)
        },
        "guard.rejected",
        false,
    ),
    (
        "held, and allowed since",
        |case| {
            let case = case.with(guarded(GuardAction::Hold));
            let id = case.create();
            leaver(&case);
            case.patch(&id, "active", false);
            let admin = &case.house.admin;
            admin
                .decide_held(&actor(), case.id(), Which::All, true)
                .unwrap();
            own(&case)
        },
        "blocked",
        false,
    ),
    (
        "held, and rejected since",
        |case| {
            let case = case.with(guarded(GuardAction::Hold));
            let id = case.create();
            leaver(&case);
            case.patch(&id, "active", false);
            let admin = &case.house.admin;
            admin
                .decide_held(&actor(), case.id(), Which::All, false)
                .unwrap();
            own(&case)
        },
        "fine",
        false,
    ),
    (
        "a membership that the guard holds",
        |case| {
            let case = case.with(Policies {
                member_guard: MemberGuard {
                    count: 1,
                    percent: 0,
                    ..MemberGuard::default()
                },
                ..Policies::default()
            });
            let group = in_group(&case);
            case.empty(&group);
            let leaves = format!("leaves Ops {}", case.name);
            let why = why(case.house, &case.name, None);
            assert!(why.sentence.contains(&leaves), "{}", why.sentence);
            let mut told = why.timeline.iter();
            let held = told.find(|moment| moment.sentence.contains(&leaves));
            assert!(
                held.is_some_and(|moment| moment.event.is_some()),
                "{why:#?}"
            );
            own(&case)
        },
        "guard.held",
        false,
    ),
    (
        "a membership that was brought back, and is to end again",
        |mut case| {
            let group = in_group(&case);
            case.caller.request_id = format!("{}-empty", case.name);
            case.empty(&group);
            case.take_back();
            case.empty(&group);
            own(&case)
        },
        "guard.repeated",
        false,
    ),
    (
        "a membership that was held, and is kept since",
        |mut case| {
            let group = in_group(&case);
            case.caller.request_id = format!("{}-empty", case.name);
            case.empty(&group);
            case.take_back();
            case.empty(&group);
            let admin = &case.house.admin;
            admin
                .decide_held(&actor(), case.id(), Which::All, false)
                .unwrap();
            own(&case)
        },
        "fine",
        false,
    ),
    (
        "blocked by the identity provider",
        |case| {
            let id = case.create();
            case.patch(&id, "active", false);
            own(&case)
        },
        "blocked",
        false,
    ),
    (
        "blocked by hand",
        |case| {
            let id = case.create();
            case.change(&id, PersonChange::Block);
            own(&case)
        },
        "blocked",
        false,
    ),
    (
        "archived by hand",
        |case| {
            let id = case.create();
            case.change(&id, PersonChange::Archive);
            own(&case)
        },
        "archived",
        false,
    ),
    (
        "unblocked by hand after the identity provider blocked",
        |case| {
            let id = case.create();
            case.patch(&id, "active", false);
            pause();
            case.change(&id, PersonChange::Unblock);
            own(&case)
        },
        "changedByHand",
        false,
    ),
    (
        "converted by hand",
        |case| {
            let id = case.create();
            pause();
            case.change(&id, PersonChange::Convert(UserType::Technician));
            own(&case)
        },
        "changedByHand",
        false,
    ),
    (
        "taken out of provisioning",
        |case| {
            let id = case.create();
            pause();
            case.change(&id, PersonChange::Unlink);
            own(&case)
        },
        "unlinked",
        false,
    ),
    (
        "deleted by the identity provider",
        |case| {
            let id = case.create();
            case.delete(&id);
            own(&case)
        },
        "deleted",
        false,
    ),
    (
        "deleted, to go for good later",
        |case| {
            let case = case.with(Policies {
                deletion: Deletion::Delete { after_days: 30 },
                ..Policies::default()
            });
            let id = case.create();
            case.delete(&id);
            own(&case)
        },
        "deleted",
        false,
    ),
    (
        "a name that a deleted user has",
        |case| {
            let case = case.with(Policies {
                deletion: Deletion::Block,
                ..Policies::default()
            });
            let id = case.create();
            case.delete(&id);
            pause();
            // Who left has the name, and somebody by hand the address.
            let address = format!("{}@corp.example", case.name);
            case.by_hand(|input| {
                input.user_name = format!("hand-{}", input.user_name);
                input.email = Some(address);
            });
            case.refused(&user(&case.name));
            own(&case)
        },
        "uniqueness.left",
        false,
    ),
    (
        "a rule dropped a value",
        |case| {
            let (status, body) = case.ask(
                Method::Post,
                "/Users",
                &with(&case.name, "title", "x".repeat(2_000)),
            );
            assert_eq!(status, 201, "{body}");
            own(&case)
        },
        "value.dropped",
        false,
    ),
    (
        "a rule dropped a value, which was mended",
        |case| {
            let (_, body) = case.ask(
                Method::Post,
                "/Users",
                &with(&case.name, "title", "x".repeat(2_000)),
            );
            let id = body["id"].as_str().unwrap();
            assert_eq!(case.patch(id, "title", "Clerk"), 200);
            own(&case)
        },
        "fine",
        false,
    ),
    (
        "a rule dropped a value, and something else changed",
        |case| {
            let (_, body) = case.ask(
                Method::Post,
                "/Users",
                &with(&case.name, "title", "x".repeat(2_000)),
            );
            let id = body["id"].as_str().unwrap();
            assert_eq!(case.patch(id, "nickName", "Boss"), 200);
            own(&case)
        },
        "value.dropped",
        false,
    ),
    (
        "fine",
        |case| {
            case.create();
            own(&case)
        },
        "fine",
        false,
    ),
    (
        "fine, by a part of a name",
        |case| {
            case.create();
            format!("STONE{}", case.name)
        },
        "fine",
        false,
    ),
    (
        "fine, by both names the wrong way round",
        |case| {
            case.create();
            format!("stone{0} given{0}", case.name)
        },
        "fine",
        false,
    ),
    ("fine, by the id", |case| case.create(), "fine", false),
];

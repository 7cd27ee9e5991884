//! Who is here, and what is about the configuration.

use super::*;

pub(super) const PRESENT: &[Plant] = &[
    (
        "fine, by the name before",
        |case| {
            let id = case.create();
            assert_eq!(
                case.patch(&id, "userName", format!("{}-renamed", case.name)),
                200
            );
            own(&case)
        },
        "fine",
        false,
    ),
    (
        "a change that failed",
        |case| {
            let id = case.create();
            pause();
            assert_eq!(case.patch(&id, "active", "maybe"), 400);
            own(&case)
        },
        "value.invalid",
        false,
    ),
    (
        "a change that failed, and another that was done since",
        |case| {
            let id = case.create();
            case.patch(&id, "active", "maybe");
            case.patch(&id, "title", "Boss");
            own(&case)
        },
        "fine",
        false,
    ),
    (
        "a change that failed, and that somebody dealt with",
        |case| {
            let id = case.create();
            case.patch(&id, "active", "maybe");
            let admin = &case.house.admin;
            let open = EventQuery {
                state: Some(EventState::Open),
                configuration: Some(case.id()),
                limit: 10,
                ..EventQuery::default()
            };
            for event in admin.events(&open).unwrap() {
                admin.resolve_event(&actor(), event.id).unwrap();
            }
            own(&case)
        },
        "fine",
        false,
    ),
    (
        "a create that failed, and was done since",
        |case| {
            case.refused(&with(&case.name, "active", "maybe"));
            case.create();
            own(&case)
        },
        "fine",
        false,
    ),
    (
        "blocked after a change that failed",
        |case| {
            let id = case.create();
            case.patch(&id, "active", "maybe");
            pause();
            case.change(&id, PersonChange::Block);
            own(&case)
        },
        "blocked",
        false,
    ),
    (
        "a change that failed after a block",
        |case| {
            let id = case.create();
            case.change(&id, PersonChange::Block);
            pause();
            case.patch(&id, "active", "maybe");
            own(&case)
        },
        "value.invalid",
        false,
    ),
    (
        "a disabled configuration",
        |case| {
            case.set_status(ConfigurationStatus::Disabled);
            own(&case)
        },
        "configuration.disabled",
        true,
    ),
    (
        "a paused configuration, of somebody who is here",
        |case| {
            case.create();
            case.set_status(ConfigurationStatus::Paused);
            own(&case)
        },
        "configuration.paused",
        false,
    ),
    (
        "a token that was revoked",
        |case| {
            case.refuse_at_the_door(Cause::TokenRevoked, 401);
            own(&case)
        },
        "token.revoked",
        true,
    ),
    (
        "a token that was revoked, and another one since",
        |case| {
            case.refuse_at_the_door(Cause::TokenRevoked, 401);
            pause();
            let mut other = user(&case.name);
            other["userName"] = json!(format!("{}-other", case.name));
            assert_eq!(case.ask(Method::Post, "/Users", &other).0, 201);
            format!("{}-nobody", case.name)
        },
        "notAskedFor",
        true,
    ),
    (
        "outside of the allowed network",
        |case| {
            case.refuse_at_the_door(Cause::NetworkNotAllowed, 403);
            own(&case)
        },
        "network.notAllowed",
        true,
    ),
    (
        "users are switched off",
        |case| {
            let admin = &case.house.admin;
            let found = admin.configuration(case.id()).unwrap();
            let input = ConfigurationInput {
                name: found.name.clone(),
                description: String::new(),
                users: false,
                groups: true,
                identity_provider: found.identity_provider,
                profile: found.profile,
                policies: found.policies,
                networks: Vec::new(),
            };
            admin.edit_configuration(&actor(), &found, &input).unwrap();
            own(&case)
        },
        "resourceType.switchedOff",
        true,
    ),
    (
        "several people of one name",
        |case| {
            for at in 0..3 {
                let mut one = user(&format!("{}-{at}", case.name));
                one["name"]["familyName"] = json!(format!("Many{}", case.name));
                assert_eq!(case.ask(Method::Post, "/Users", &one).0, 201);
            }
            format!("many{}", case.name)
        },
        "several",
        false,
    ),
];

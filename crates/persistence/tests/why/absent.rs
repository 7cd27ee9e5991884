//! Who is not here, or was made by hand.

use super::*;

pub(super) const ABSENT: &[Plant] = &[
    ("nobody asked", |case| own(&case), "notAskedFor", true),
    (
        "looked up by userName",
        |case| {
            case.look_up(&format!("userName eq \"{}\"", case.name));
            case.look_up(&format!("userName eq \"{}\"", case.name));
            own(&case)
        },
        "lookedUp",
        false,
    ),
    (
        "looked up by externalId",
        |case| {
            case.look_up(&format!("externalId eq \"Ext-{}\"", case.name));
            format!("Ext-{}", case.name)
        },
        "lookedUp",
        false,
    ),
    (
        "looked up by an address",
        |case| {
            let address = format!("{}@corp.example", case.name);
            case.look_up(&format!(
                "emails[type eq \"work\" and value eq \"{address}\"]"
            ));
            address
        },
        "lookedUp",
        false,
    ),
    (
        "read by an id that is not there",
        |case| {
            let id = uuid::Uuid::now_v7().to_string();
            case.ask(Method::Get, &format!("/Users/{id}"), &Value::Null);
            id
        },
        "lookedUp",
        false,
    ),
    (
        "a create that cannot be read",
        |case| {
            case.refused(&with(&case.name, "active", "maybe"));
            own(&case)
        },
        "value.invalid",
        false,
    ),
    (
        "the same, by the address in it",
        |case| {
            case.refused(&with(&case.name, "active", "maybe"));
            format!("{}@corp.example", case.name)
        },
        "value.invalid",
        false,
    ),
    (
        "the same, by the externalId in it",
        |case| {
            case.refused(&with(&case.name, "active", "maybe"));
            format!("Ext-{}", case.name)
        },
        "value.invalid",
        false,
    ),
    (
        "the same, by a name in it",
        |case| {
            case.refused(&with(&case.name, "active", "maybe"));
            format!("stone{}", case.name)
        },
        "value.invalid",
        false,
    ),
    (
        "the same, by the beginning of it",
        |case| {
            case.refused(&with(&format!("{}long", case.name), "active", "maybe"));
            format!("{}lo", case.name)
        },
        "value.invalid",
        false,
    ),
    (
        "refused, and looked up again since",
        |case| {
            case.refused(&with(&case.name, "active", "maybe"));
            case.look_up(&format!("userName eq \"{}\"", case.name));
            own(&case)
        },
        "value.invalid",
        false,
    ),
    (
        "a name that another user has",
        |case| {
            case.create();
            let again = format!("again-{}", case.name);
            case.refused(&with(&case.name, "externalId", again.as_str()));
            again
        },
        "uniqueness.own",
        false,
    ),
    (
        "a name that another configuration's user has",
        |case| {
            let other = Case::new(case.house, 900);
            let (status, _) = other.ask(Method::Post, "/Users", &user(&case.name));
            assert_eq!(status, 201);
            case.refused(&user(&case.name));
            own(&case)
        },
        "uniqueness.foreign",
        true,
    ),
    (
        "managed by another configuration",
        |case| {
            let other = Case::new(case.house, 901);
            let (status, _) = other.ask(Method::Post, "/Users", &user(&case.name));
            assert_eq!(status, 201);
            own(&case)
        },
        "managed.elsewhere",
        true,
    ),
    (
        "waits to be linked",
        |case| {
            case.by_hand(|_| {});
            case.refused(&user(&case.name));
            own(&case)
        },
        "link.pending",
        false,
    ),
    (
        "waits to be linked by an address",
        |case| {
            let address = format!("{}@corp.example", case.name);
            case.by_hand(|input| {
                input.user_name = format!("hand-{}", input.user_name);
                input.email = Some(address);
            });
            case.refused(&user(&case.name));
            own(&case)
        },
        "link.pending",
        false,
    ),
    (
        "the same, by the person",
        |case| {
            let address = format!("{}@corp.example", case.name);
            case.by_hand(|input| {
                input.user_name = format!("hand-{}", input.user_name);
                input.email = Some(address);
            });
            case.refused(&user(&case.name));
            format!("hand-{}", case.name)
        },
        "link.pending",
        false,
    ),
    (
        "a link that was dismissed",
        |case| {
            case.by_hand(|_| {});
            case.refused(&user(&case.name));
            let admin = &case.house.admin;
            let links = admin
                .link_requests(case.id(), &LinksQuery::default())
                .unwrap();
            admin.dismiss_link(&actor(), case.id(), &links[0]).unwrap();
            own(&case)
        },
        "link.dismissed",
        false,
    ),
    (
        "by hand, and nobody is linked",
        |case| {
            let case = case.with(Policies {
                existing_users: ExistingUsers::Refuse,
                ..Policies::default()
            });
            case.by_hand(|_| {});
            case.refused(&user(&case.name));
            own(&case)
        },
        "uniqueness.byHand",
        false,
    ),
    (
        "by hand and never asked for",
        |case| {
            case.by_hand(|_| {});
            own(&case)
        },
        "createdByHand",
        true,
    ),
    (
        "by hand and looked up",
        |case| {
            case.by_hand(|_| {});
            case.look_up(&format!("userName eq \"{}\"", case.name));
            own(&case)
        },
        "lookedUp",
        true,
    ),
    (
        "a protected account",
        |case| {
            case.by_hand(|input| input.tenant_admin = true);
            own(&case)
        },
        "protected",
        false,
    ),
    (
        "the address of a protected account",
        |case| {
            let address = format!("{}@corp.example", case.name);
            case.by_hand(|input| {
                input.user_name = format!("admin-{}", input.user_name);
                input.email = Some(address);
                input.tenant_admin = true;
            });
            case.refused(&user(&case.name));
            own(&case)
        },
        "uniqueness.protected",
        false,
    ),
];

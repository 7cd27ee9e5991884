//! What administrators do to people and groups.

use super::*;

/// What administrators do with people and groups.
pub(super) fn directory(script: &mut Script, house: &House) {
    let admin = &house.admin;
    let (user, group) = (crowd::id('u', 20), crowd::id('g', 20));
    for (name, query) in [
        ("all", PeopleQuery::default()),
        (
            "behind one",
            PeopleQuery {
                after: Some(crowd::id('u', 6_000)),
                ..PeopleQuery::default()
            },
        ),
    ] {
        let query = PeopleQuery { limit: 50, ..query };
        script.run(&format!("people: {name}"), || admin.people(&query).unwrap());
    }
    let of = ManagedBy::Configuration(house.caller.configuration.id);
    let query = PeopleQuery {
        limit: 50,
        managed_by: of,
        ..PeopleQuery::default()
    };
    script.run("people of a configuration", || {
        admin.people(&query).unwrap()
    });
    let query = PeopleQuery {
        limit: 50,
        search: Some("nobody".to_owned()),
        ..PeopleQuery::default()
    };
    script.unserved(
        "people by a part of a name",
        "a part of a text has no index",
        || admin.people(&query).unwrap(),
    );
    script.run("groups", || {
        admin
            .groups(&GroupsQuery {
                limit: 50,
                ..GroupsQuery::default()
            })
            .unwrap()
    });
    let query = GroupsQuery {
        limit: 50,
        search: Some("nothing".to_owned()),
        ..GroupsQuery::default()
    };
    script.unserved(
        "groups by a part of a name",
        "a part of a text has no index",
        || admin.groups(&query).unwrap(),
    );
    script.run("a person", || admin.person(&user).unwrap());
    why(script, house, &user);
    script.run("a group", || admin.group(&group).unwrap());
    script.run("members", || {
        admin.members(&crowd::id('g', 1), None, 50).unwrap()
    });
    script.run("further members", || {
        admin
            .members(&crowd::id('g', 1), Some(&crowd::id('u', 500)), 50)
            .unwrap()
    });
    for change in [
        PersonChange::Block,
        PersonChange::Unblock,
        PersonChange::Convert(UserType::Technician),
        PersonChange::Archive,
        PersonChange::Unlink,
    ] {
        script.run(&format!("{change:?}"), || {
            admin.change_person(&actor(), &user, change).unwrap()
        });
    }
    script.run("unlink a group", || {
        admin.unlink_group(&actor(), &group).unwrap()
    });
    let person = PersonInput {
        user_name: "by.hand".to_owned(),
        email: Some("by.hand@example.com".to_owned()),
        tenant_admin: false,
        role: None,
    };
    script.run("add a person", || {
        admin.add_person(&actor(), &person).unwrap()
    });
    script.run("POST a user who was made by hand", || {
        assert_eq!(
            house
                .request(Method::Post, "/Users", &crowd::user("by.hand"))
                .status,
            409
        );
    });
    let links = script.run("links", || {
        admin
            .link_requests(house.id_of("Test"), &LinksQuery::default())
            .unwrap()
    });
    script.run("approve a link", || {
        admin
            .approve_link(&actor(), &house.provider, house.id_of("Test"), &links[0])
            .unwrap();
    });
    script.run("how many are managed", || {
        admin.managed_counts(house.caller.configuration.id).unwrap()
    });
    let held = script.run("held", || {
        admin.held(house.id_of("Test"), None, 50).unwrap()
    });
    script.run("held, beside what it would become", || {
        admin.compare_held(house.id_of("Test"), &held).unwrap()
    });
    script.run("the groups that would lose members", || {
        admin.held_groups(house.id_of("Test")).unwrap()
    });
    script.run("the end of what is held", || {
        admin.held_end(house.id_of("Test")).unwrap()
    });
    script.run("decide", || {
        admin
            .decide_held(&actor(), house.id_of("Test"), Which::All, true)
            .unwrap()
    });
}

/// Why somebody is as they are.
fn why(script: &mut Script, house: &House, user: &str) {
    let admin = &house.admin;
    for (name, who) in [
        ("an id", user),
        ("a logon name", "zz30"),
        ("a part of many names", "zz"),
        ("an address", "zz31@example.com"),
        ("two words", "zz31 zz31"),
        ("nobody", "nobody.at.all"),
    ] {
        for configuration in [None, Some(house.caller.configuration.id)] {
            let query = WhyQuery {
                who: who.to_owned(),
                configuration,
                field: None,
            };
            script.run(&format!("why: {name}"), || {
                admin.why(&actor(), &house.provider, &query).unwrap()
            });
        }
    }
    let query = WhyQuery {
        who: user.to_owned(),
        configuration: None,
        field: Some("job_title".to_owned()),
    };
    script.run("why a field", || {
        admin.why(&actor(), &house.provider, &query).unwrap()
    });
}

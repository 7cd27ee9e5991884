//! No statement of the service or of its administration reads what it does not need: each one that
//! a script of all operations has executed is explained by the engine that is linked, over a filled
//! database that was never analysed, and over one that was.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;
mod plan;

use common::crowd::{self, Crowd};
use common::{Engine, House, actor, found};
use plan::{Fault, Indexes, judge};
use scim_admin::VersionChoice;
use scim_admin::event::{AuditQuery, EventQuery, EventState};
use scim_admin::people::{
    GroupsQuery, ManagedBy, PeopleQuery, PersonChange, PersonInput, UserType,
};
use scim_admin::policy::{LinksQuery, Which};
use scim_admin::survey::SurveyKind;
use scim_persistence::{Database, Explained};
use scim_protocol::schema::uri;
use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{Method, ResourceKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

const CROWD: Crowd = Crowd {
    users: 12_000,
    groups: 600,
    large: 3_000,
    events: 6_000,
};

/// What the operations of a script executed.
#[derive(Default)]
struct Script {
    /// What reads too much, by operation.
    faults: BTreeMap<String, Vec<(Fault, Explained)>>,
    statements: usize,
    indexes: Indexes,
}

impl Script {
    /// Runs an operation whose statements must all be served by indexes.
    fn run<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        let (result, explained) = Database::explaining(work);
        self.statements += explained.len();
        for explained in explained {
            if let Some(fault) = judge(&self.indexes, &explained) {
                let faults = self.faults.entry(name.to_owned()).or_default();
                faults.push((fault, explained));
            }
        }
        result
    }

    /// Runs an operation that no index serves, for a reason; it must be one.
    fn unserved<T>(&mut self, name: &str, reason: &str, work: impl FnOnce() -> T) -> T {
        let (result, explained) = Database::explaining(work);
        assert!(
            explained
                .iter()
                .any(|explained| judge(&self.indexes, explained).is_some()),
            "{name} is served by indexes, although {reason}: {explained:#?}"
        );
        result
    }

    fn assert(self, engine: &Engine, when: &str) {
        assert!(self.statements > 200, "{} statements", self.statements);
        let mut text = String::new();
        for (name, faults) in &self.faults {
            for (fault, explained) in faults {
                text += &format!(
                    "\n== {name}: {fault:?}\n{}\n    {}\n",
                    explained.statement,
                    explained.plan.join("\n    ")
                );
            }
        }
        assert!(text.is_empty(), "{engine:?}, {when}: {text}");
    }
}

fn patch(operations: Value) -> Value {
    json!({"schemas": [uri::PATCH_OP], "Operations": operations})
}

fn ok(house: &House, method: Method, path: &str, body: &Value) -> Value {
    let answer = house.request(method, path, body);
    assert!(answer.status < 300, "{method:?} {path}: {:?}", answer.body);
    answer.body.unwrap_or_default()
}

/// Everything that an identity provider does.
fn provisioning(script: &mut Script, house: &House) {
    let get = |path: &str| house.get(path);
    let user = format!("/Users/{}", crowd::id('u', 7));
    let small = format!("/Groups/{}", crowd::id('g', 9));
    let large = format!("/Groups/{}", crowd::id('g', 1));
    let member = json!([{"value": crowd::id('u', 4_000)}]);
    let filtered = |filter: &str| format!("filter={}", filter.replace(' ', "%20"));

    script.run("GET a user", || get(&user));
    script.run("GET a small group", || get(&small));
    script.run("GET a large group", || get(&large));
    script.run("GET a group without members", || {
        get(&format!("{large}?excludedAttributes=members"))
    });
    for (name, endpoint, filter) in [
        ("userName eq", "/Users", "userName eq \"zz77\""),
        ("userName sw", "/Users", "userName sw \"zz777\""),
        ("externalId eq", "/Users", "externalId eq \"ext-zz77\""),
        (
            "id eq",
            "/Users",
            &*format!("id eq \"{}\"", crowd::id('u', 8)),
        ),
        (
            "work e-mail eq",
            "/Users",
            "emails[type eq \"work\" and value eq \"zz77@example.com\"]",
        ),
        (
            "e-mail eq",
            "/Users",
            "emails.value eq \"zz77@example.com\"",
        ),
        (
            "e-mail in brackets",
            "/Users",
            "emails[value eq \"zz77@example.com\"]",
        ),
        (
            "e-mail in brackets and more",
            "/Users",
            "emails[primary eq true and (value eq \"zz77@example.com\" and type eq \"work\") and \
             not (display co \"x\")]",
        ),
        (
            "lastModified in brackets",
            "/Users",
            "meta[lastModified gt \"2999-01-01T00:00:00Z\" and created pr]",
        ),
        (
            "a key and more",
            "/Users",
            "userName eq \"zz77\" and active eq true",
        ),
        (
            "groups.value eq",
            "/Users",
            &*format!("groups.value eq \"{}\"", crowd::id('g', 9)),
        ),
        (
            "lastModified gt",
            "/Users",
            "meta.lastModified gt \"2999-01-01T00:00:00Z\"",
        ),
        ("displayName eq", "/Groups", "displayName eq \"zz77\""),
        ("externalId eq", "/Groups", "externalId eq \"ext-zz77\""),
        (
            "members.value eq",
            "/Groups",
            &*format!("members.value eq \"{}\"", crowd::id('u', 8)),
        ),
        (
            "members[value eq]",
            "/Groups",
            &*format!("members[value eq \"{}\"]", crowd::id('u', 8)),
        ),
        (
            "id and member",
            "/Groups",
            &*format!(
                "id eq \"{}\" and members eq \"{}\"",
                crowd::id('g', 9),
                crowd::id('u', 8)
            ),
        ),
    ] {
        let name = format!("GET {endpoint} by {name}");
        script.run(&name, || get(&format!("{endpoint}?{}", filtered(filter))));
    }
    for (endpoint, page) in [
        ("/Users", "count=100"),
        ("/Users", "count=0"),
        ("/Users", "startIndex=9000&count=100"),
        ("/Users", "cursor&count=100"),
        ("/Users", "sortBy=userName&count=100"),
        ("/Users", "sortBy=userName&sortOrder=descending&count=100"),
        ("/Users", "sortBy=meta.lastModified&count=100"),
        ("/Users", "sortBy=displayName&count=100"),
        ("/Users", "sortBy=displayName&cursor&count=100"),
        ("/Groups", "count=100&excludedAttributes=members"),
        ("/Groups", "count=100"),
        ("/Groups", "cursor&count=100&excludedAttributes=members"),
        (
            "/Groups",
            "sortBy=displayName&count=100&excludedAttributes=members",
        ),
        (
            "/Groups",
            "sortBy=meta.lastModified&count=100&excludedAttributes=members",
        ),
    ] {
        let body = script.run(&format!("GET {endpoint}?{page}"), || {
            get(&format!("{endpoint}?{page}"))
        });
        let Some(cursor) = body["nextCursor"].as_str() else {
            continue;
        };
        let name = format!("GET {endpoint}?{page}, further");
        let further = page.replace("cursor", &format!("cursor={cursor}"));
        let further = || get(&format!("{endpoint}?{further}"));
        if page.contains("sortBy=displayName") {
            script.unserved(&name, "missing values come behind all others", further);
        } else {
            script.run(&name, further);
        }
    }
    script.unserved(
        "GET /Users by title co",
        "a part of a text has no index",
        || get(&format!("/Users?{}", filtered("title co \"x\""))),
    );
    script.unserved(
        "GET /Users by either of two keys",
        "keys are looked for one at a time",
        || {
            let filter = "userName eq \"zz77\" or externalId eq \"ext-zz78\"";
            get(&format!("/Users?{}", filtered(filter)))
        },
    );
    script.unserved(
        "GET /Users by active",
        "it is half of them or next to none",
        || get(&format!("/Users?{}", filtered("active eq false"))),
    );
    script.unserved("GET /Users sorted by title", "few sort by it", || {
        get("/Users?sortBy=title&count=100")
    });
    script.unserved("GET / sorted", "several types are sorted together", || {
        get("/?sortBy=title")
    });

    let made = script.run("POST a user", || {
        house.create("/Users", &crowd::user("late"))
    });
    let made = format!("/Users/{made}");
    script.run("POST a user who is there", || {
        assert_eq!(
            house
                .request(Method::Post, "/Users", &crowd::user("zz5"))
                .status,
            409
        );
    });
    script.run("POST a user with a manager", || {
        let mut body = crowd::user("managed");
        body[uri::ENTERPRISE_USER]["manager"] = json!({"value": "zz5"});
        house.create("/Users", &body)
    });
    script.run("PUT a user", || {
        ok(house, Method::Put, &made, &crowd::user("later"))
    });
    for (name, operation) in [
        (
            "displayName",
            json!({"op": "replace", "path": "displayName", "value": "Late"}),
        ),
        (
            "userName",
            json!({"op": "replace", "path": "userName", "value": "latest"}),
        ),
        (
            "active",
            json!({"op": "replace", "path": "active", "value": false}),
        ),
        (
            "active again",
            json!({"op": "replace", "path": "active", "value": true}),
        ),
    ] {
        script.run(&format!("PATCH {name}"), || {
            ok(house, Method::Patch, &made, &patch(json!([operation])))
        });
    }
    for (name, path) in [("small", &small), ("large", &large)] {
        let path = format!("{path}?excludedAttributes=members");
        for operation in [
            json!({"op": "add", "path": "members", "value": member}),
            json!({"op": "remove", "path": format!("members[value eq \"{}\"]", crowd::id('u', 4_000))}),
            json!({"op": "replace", "path": "displayName", "value": format!("renamed {name}")}),
        ] {
            script.run(
                &format!("PATCH a {name} group: {}", operation["op"]),
                || ok(house, Method::Patch, &path, &patch(json!([operation]))),
            );
        }
        script.run(&format!("PATCH a {name} group: replace members"), || {
            let operation = json!({"op": "replace", "path": "members", "value": member});
            ok(house, Method::Patch, &path, &patch(json!([operation])))
        });
    }
    let body = json!({"schemas": [uri::GROUP], "displayName": "New", "members": member});
    let group = script.run("POST a group", || house.create("/Groups", &body));
    let group = format!("/Groups/{group}");
    script.run("PUT a group", || ok(house, Method::Put, &group, &body));
    script.run("DELETE a group", || {
        ok(house, Method::Delete, &group, &Value::Null)
    });
    script.run("Bulk", || {
        let data = crowd::user("bulk");
        let operation = json!({"method": "POST", "path": "/Users", "bulkId": "1", "data": data});
        ok(
            house,
            Method::Post,
            "/Bulk",
            &json!({"schemas": [uri::BULK_REQUEST], "Operations": [operation]}),
        )
    });
    script.run("DELETE a user", || {
        ok(house, Method::Delete, &made, &Value::Null)
    });
    script.run("POST a user who left", || {
        house.create("/Users", &crowd::user("latest"))
    });
    script.run("GET what is not there", || {
        assert_eq!(house.request(Method::Get, &made, &Value::Null).status, 404);
    });
}

/// Leaving while the guard counts.
fn guarded(script: &mut Script, house: &mut House) {
    let mut configuration = (*house.caller.configuration).clone();
    configuration.policies.guard.count = 1;
    configuration.policies.guard.percent = 0;
    house.caller.configuration = configuration.into();
    let leave = patch(json!([{"op": "replace", "path": "active", "value": false}]));
    for number in 100..103 {
        let user = format!("/Users/{}", crowd::id('u', number));
        script.run("a deactivation that the guard looks at", || {
            ok(house, Method::Patch, &user, &leave)
        });
    }
    let user = format!("/Users/{}", crowd::id('u', 104));
    script.run("a deletion that the guard looks at", || {
        ok(house, Method::Delete, &user, &Value::Null)
    });
}

/// What administrators do with people and groups.
fn directory(script: &mut Script, house: &House) {
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
    script.run("held", || {
        admin.held(house.id_of("Test"), None, 50).unwrap()
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

/// What administrators do with the log and with configurations.
fn administration(script: &mut Script, house: &House) {
    let admin = &house.admin;
    let configuration = Some(house.caller.configuration.id);
    let text = |text: &str| Some(text.to_owned());
    let day = Some(chrono::Utc::now() - chrono::Duration::days(1));
    for (name, query) in [
        ("all", EventQuery::default()),
        (
            "of a configuration",
            EventQuery {
                configuration,
                ..EventQuery::default()
            },
        ),
        (
            "failures",
            EventQuery {
                outcome: Outcome::parse("failure"),
                ..EventQuery::default()
            },
        ),
        (
            "open",
            EventQuery {
                state: Some(EventState::Open),
                configuration,
                ..EventQuery::default()
            },
        ),
        (
            "resolved",
            EventQuery {
                state: Some(EventState::Resolved),
                ..EventQuery::default()
            },
        ),
        (
            "creates",
            EventQuery {
                action: Action::parse("create"),
                ..EventQuery::default()
            },
        ),
        (
            "of groups",
            EventQuery {
                kind: ResourceKind::parse("Group"),
                ..EventQuery::default()
            },
        ),
        (
            "of an id",
            EventQuery {
                search: Some(crowd::id('u', 30)),
                ..EventQuery::default()
            },
        ),
        (
            "of a name",
            EventQuery {
                search: text("zz30"),
                ..EventQuery::default()
            },
        ),
        (
            "since yesterday",
            EventQuery {
                since: day,
                ..EventQuery::default()
            },
        ),
        (
            "before one",
            EventQuery {
                before: Some(3_000),
                ..EventQuery::default()
            },
        ),
        (
            "after one",
            EventQuery {
                after: Some(3_000),
                ..EventQuery::default()
            },
        ),
    ] {
        let query = EventQuery { limit: 50, ..query };
        script.run(&format!("the log: {name}"), || {
            admin.events(&query).unwrap()
        });
    }
    let failure = EventQuery {
        outcome: Outcome::parse("failure"),
        ..EventQuery::default()
    };
    let failure = found(house, failure).remove(0);
    script.run("an entry", || admin.event(failure.id).unwrap());
    script.run("replay an entry", || {
        drop(admin.to_replay(&actor(), failure.id))
    });
    script.run("resolve an entry", || {
        admin.resolve_event(&actor(), failure.id).unwrap()
    });
    script.run("reopen an entry", || {
        admin.reopen_event(&actor(), failure.id).unwrap()
    });
    for query in [
        AuditQuery::default(),
        AuditQuery {
            configuration,
            ..AuditQuery::default()
        },
        AuditQuery {
            before: Some(500),
            ..AuditQuery::default()
        },
    ] {
        let query = AuditQuery { limit: 50, ..query };
        script.run("the audit", || admin.audit(&query).unwrap());
    }
    script.run("verify the audit", || admin.verify_audit(None).unwrap());
    script.run("activity", || {
        admin
            .activity(
                chrono::Utc::now() - chrono::Duration::days(7),
                configuration,
            )
            .unwrap()
    });
    script.run("count hours", || admin.count_hours().unwrap());

    let stored = script.run("a configuration", || {
        admin.find_configuration("Test").unwrap()
    });
    script.run("configurations", || admin.configurations(None).unwrap());
    script.run("jobs", || admin.jobs(house.id_of("Test")).unwrap());
    let job = script.run("begin to apply rules again", || {
        admin.begin_reapply(&actor(), house.id_of("Test")).unwrap()
    });
    script.run("apply rules again", || {
        let job = admin.claim_job(Some(&job.id)).unwrap().unwrap();
        house
            .provider
            .reapply(&stored.to_provisioning(), &job)
            .unwrap()
    });
    script.run("drift", || {
        house.provider.drift(&stored.to_provisioning()).unwrap()
    });
    script.run("drift of one", || {
        house
            .provider
            .drift_of(&stored.to_provisioning(), &crowd::id('u', 40))
            .unwrap()
    });
    script.run("ask for a survey", || {
        admin
            .ask_survey(
                &actor(),
                &house.provider,
                house.id_of("Test"),
                SurveyKind::Impact,
            )
            .unwrap();
    });
    script.run("make a survey", || {
        while admin.next_survey(&house.provider).unwrap() {}
    });
    script.run("preview", || {
        let choice = VersionChoice::Active;
        let model = admin
            .model(house.id_of("Test"), ResourceKind::User, choice)
            .unwrap();
        house
            .provider
            .preview(
                &stored.to_provisioning(),
                &model,
                ResourceKind::User,
                crowd::user("zz50"),
            )
            .unwrap()
    });
    script.run("note what was received", || {
        house.admin.note_seen(house.provider.take_seen()).unwrap()
    });
    script.run("what was received", || {
        admin
            .received_attributes(house.id_of("Test"), ResourceKind::User)
            .unwrap()
    });
    let later = chrono::Utc::now() + chrono::Duration::days(400);
    script.run("purge", || admin.purge_people(later, 100).unwrap());
    script.run("forget requests", || {
        admin.forget_requests(later, 100).unwrap()
    });
    script.run("forget entries", || {
        admin.forget_events(later, 100).unwrap()
    });
    let field = json!({"key": "desk", "label": "Desk", "type": "longText"});
    let field = serde_json::from_value(field).unwrap();
    script.unserved(
        "add a custom field",
        "what is left of an older one is taken away",
        || admin.add_custom_field(&actor(), &field).unwrap(),
    );
    script.run("custom fields", || admin.custom_fields().unwrap());
    script.unserved(
        "delete a custom field",
        "what everybody has of it is taken away",
        || admin.delete_custom_field(&actor(), "desk").unwrap(),
    );
    script.unserved(
        "delete a configuration",
        "everybody whom it managed is let go",
        || {
            admin
                .delete_configuration(&actor(), house.id_of("Test"))
                .unwrap()
        },
    );
}

/// What runs while an operation is explained is explained as its own, whoever runs it.
static ALONE: Mutex<()> = Mutex::new(());

fn every_statement_takes_an_index(engine: &Engine, analysed: bool) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut house = crowd::filled(engine, CROWD);
    if analysed {
        crowd::analyse(&house);
    }
    let mut script = Script {
        indexes: plan::indexes(&house),
        ..Script::default()
    };
    provisioning(&mut script, &house);
    guarded(&mut script, &mut house);
    directory(&mut script, &house);
    administration(&mut script, &house);
    let when = if analysed {
        "analysed"
    } else {
        "never analysed"
    };
    script.assert(engine, when);
}

fn main() -> std::process::ExitCode {
    let mut suite = engines::Suite::new();
    suite.on_both("every_statement_takes_an_index_never_analysed", |engine| {
        every_statement_takes_an_index(engine, false);
    });
    suite.on_both("every_statement_takes_an_index_analysed", |engine| {
        every_statement_takes_an_index(engine, true);
    });
    suite.run()
}

//! What identity providers ask for.

use super::*;

/// Everything that an identity provider does.
pub(super) fn provisioning(script: &mut Script, house: &House) {
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

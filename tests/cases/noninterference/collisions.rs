//! What a token learns of hidden records by design: that a unique value is taken. It is told in the
//! words of any other collision.

use end_to_end::{Client, Server, uri};
use serde_json::{Value, json};

/// A user who has all that can collide.
fn taken() -> Value {
    json!({"schemas": [uri::USER], "userName": "taken@corp.example",
        "emails": [{"value": "mail@corp.example", "type": "work", "primary": true}]})
}

fn user(name: &str, email: Option<&str>) -> Value {
    let mut user = json!({"schemas": [uri::USER], "userName": name});
    if let Some(email) = email {
        user["emails"] = json!([{"value": email, "type": "home"}]);
    }
    user
}

/// What every way of writing these values is told.
fn told(client: &Client, name: &str, email: Option<&str>) -> Vec<String> {
    let free = user(&format!("free-{}", uuid::Uuid::new_v4()), None);
    let id = client.post("/Users", &free).expect(201).id();
    let path = format!("/Users/{id}");
    let wanted = user(name, email);
    let mut operations = vec![json!({"op": "replace", "path": "userName", "value": name})];
    if let Some(emails) = wanted.get("emails") {
        operations.push(json!({"op": "replace", "path": "emails", "value": emails}));
    }
    let patch = json!({"schemas": [uri::PATCH], "Operations": operations});
    let bulk = json!({"schemas": [uri::BULK], "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": wanted},
        {"method": "PATCH", "path": path, "data": patch}]});
    let answers = [
        client.post("/Users", &wanted).expect(409),
        client.put(&path, &wanted).expect(409),
        client.patch(&path, &json!(operations)).expect(409),
        client.post("/Bulk", &bulk).expect(200),
    ];
    assert_eq!(
        client.get(&path).expect(200).json["userName"],
        free["userName"]
    );
    client.delete(&path).expect(204);
    answers
        .iter()
        .map(|answer| {
            let mut headers: Vec<&(String, String)> = answer.headers.iter().collect();
            headers.retain(|(name, _)| {
                !["date", "x-request-id", "connection"].contains(&name.as_str())
            });
            headers.sort();
            format!("{headers:?} {}", answer.text.replace(&id, "ID"))
        })
        .collect()
}

end_to_end::engines::suite_on_both_engines! {
    |engine: &end_to_end::Engine| Server::start(engine.clone());
    fn an_order_by_time_shows_nobody_who_is_hidden(server: &Server) {
        let seen = server.configuration("Seen").client;
        let another = server.configuration("Another").client;
        for at in 0..3 {
            seen.post("/Users", &user(&format!("seen-{at}"), None)).expect(201);
            another.post("/Users", &user(&format!("foreign-{at}"), None)).expect(201);
        }
        seen.post("/Users", &user("admin", None)).expect(201);
        server.sql("UPDATE users SET is_tenant_admin = 1 WHERE user_name_key = 'admin'");
        for order in ["ascending", "descending"] {
            let path = format!("/Users?sortBy=meta.lastModified&sortOrder={order}");
            let list = seen.get(&path).expect(200).json;
            assert_eq!(list["totalResults"], 3);
            let mut names: Vec<&str> = list["Resources"].as_array().unwrap().iter()
                .map(|user| user["userName"].as_str().unwrap()).collect();
            names.sort_unstable();
            assert_eq!(names, ["seen-0", "seen-1", "seen-2"]);
        }
    }

    fn what_collides_is_told_alike_whoever_has_it(server: &Server) {
        let seen = server.configuration("Seen").client;
        seen.post("/Users", &taken()).expect(201);
        let usual = told(&seen, "Taken@Corp.Example", None);
        assert!(usual.iter().all(|text| text.contains("exists already")), "{usual:?}");
        // The same user as one who cannot be seen, and the values that collide then.
        let admin = "is_tenant_admin = 1";
        let by_hand = "managed_by = NULL, scim_user_name_key = NULL";
        let (name, mail, other) = ("TAKEN@corp.example", "Mail@Corp.Example", "new@corp.example");
        let another = server.configuration("Another").client;
        for (what, wanted, email) in [
            ("is_vip = 0", name, None),
            (by_hand, name, None),
            (admin, name, None),
            (admin, other, Some(mail)),
            // Who signs in by the one may do so by the other.
            (admin, mail, None),
            (admin, other, Some(name)),
        ] {
            server.sql(&format!(
                "UPDATE users SET {what} WHERE user_name_key = 'taken@corp.example'"
            ));
            assert_eq!(told(&another, wanted, email), usual, "{what}: {wanted} {email:?}");
        }
        // A person made by hand is met by a create; a user who is there may have the same address.
        server.sql("UPDATE users SET is_tenant_admin = 0, managed_by = NULL");
        let met = another.post("/Users", &user(other, Some(mail))).expect(409);
        let detail = &another.post("/Users", &user(name, None)).expect(409).json["detail"];
        assert_eq!(&met.json["detail"], detail);
    }

    fn a_group_is_as_large_as_what_is_seen_of_it(server: &Server) {
        let client = server.client();
        // More than a hundred members are not answered; those who are not seen do not count.
        let ids: Vec<String> = (0..100).map(|at| client.user(&format!("m{at}"))).collect();
        let path = format!("/Groups/{}", client.group("All", &ids));
        server.json(&["user", "add", "--user-name", "root", "--tenant-admin", "--json"]);
        server.sql(
            "INSERT INTO group_members (group_id, member_id, member_kind, added_at) \
             SELECT g.id, u.id, 'User', 0 FROM groups g, users u WHERE u.is_tenant_admin = 1",
        );
        let rename = |name: &str| {
            client.patch(&path, &json!([{"op": "replace", "path": "displayName", "value": name}]))
        };
        assert_eq!(rename("Everybody").status, 200);
        let more = client.user("m100");
        let add = json!([{"op": "add", "path": "members", "value": [{"value": more}]}]);
        assert_eq!(client.patch(&path, &add).status, 204);
    }
}

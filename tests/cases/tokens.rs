//! Tokens and configurations: what an administrator changes holds from the next request.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use end_to_end::{Server, on_both_engines};

fn must(server: &Server, arguments: &[&str]) {
    let output = server.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

on_both_engines! {
    fn a_revoked_token_is_refused_at_once(server: &Server) {
        let configuration = server.configuration("Okta");
        let first = &configuration.client;
        let added = server.json(&["token", "add", "okta", "--json"]);
        let second = first.with_token(added["value"].as_str().unwrap());
        first.get("/Users").expect(200);
        second.get("/Users").expect(200);
        let listed = server.items(&["token", "list", "Okta", "--json"]);
        assert_eq!(listed.as_array().unwrap().len(), 2);
        must(server, &["token", "revoke", "Okta", "--id", added["id"].as_str().unwrap()]);
        let refused = second.get("/Users");
        refused.expect_error(401, None);
        let challenge = refused.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer realm=\"scim\""), "{challenge}");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        first.get("/Users").expect(200);
        must(server, &["token", "revoke", "Okta"]);
        first.get("/Users").expect_error(401, None);
        let output = server.run(&["token", "show", "Okta"]);
        assert_eq!(output.status.code(), Some(1), "there is no live token to show");
    }

    fn the_old_token_goes_on_until_the_new_one_is_used(server: &Server) {
        let first = server.configuration("Rotate").client;
        first.get("/Users").expect(200);
        let added = server.json(&["token", "add", "Rotate", "--overlap-hours", "0", "--json"]);
        let second = first.with_token(added["value"].as_str().unwrap());
        first.get("/Users").expect(200);
        let listed = server.items(&["token", "list", "Rotate", "--json"]);
        assert_eq!((&listed[0]["state"], &listed[1]["state"]), (&"active".into(), &"retiring".into()));
        assert_eq!(listed[1]["replacedBy"], added["id"]);
        second.get("/Users").expect(200);
        first.get("/Users").expect_error(401, None);
        second.get("/Users").expect(200);
    }

    fn an_expired_token_is_refused(server: &Server) {
        let client = server.client();
        client.get("/Users").expect(200);
        server.sql("UPDATE access_tokens SET expires_at = 1");
        let refused = client.get("/Users");
        refused.expect_error(401, None);
        assert!(refused.header("www-authenticate").is_some());
    }

    fn an_edited_token_is_refused(server: &Server) {
        let client = server.client();
        let token = client.token.as_str();
        let (head, last) = token.split_at(token.len() - 8);
        let flipped = if last.starts_with('A') { "B" } else { "A" };
        let parts: Vec<&str> = token.split('.').collect();
        for edited in [
            format!("{head}{flipped}{}", last.split_at(1).1),
            head.to_owned(),
            format!("{token}A"),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}.{}", parts[0], parts[2], parts[1]),
            token.replacen("sopscim_", "", 1),
            token.to_uppercase(),
            format!("{token}{}", "A".repeat(4_096)),
        ] {
            let refused = client.with_token(&edited).get("/Users");
            refused.expect_error(401, None);
            assert!(refused.header("www-authenticate").is_some());
            assert!(!refused.text.contains(&edited), "{}", refused.text);
        }
        client.get("/Users").expect(200);
    }

    fn a_token_is_shown_again(server: &Server) {
        let configuration = server.configuration("Entra");
        let shown = server.json(&["token", "show", "Entra", "--json"]);
        assert_eq!(shown["value"], configuration.client.token);
        assert!(shown["id"].is_string() && shown.get("expiresAt").is_some());
        let plain = server.run(&["token", "show", &configuration.id]);
        let text = String::from_utf8(plain.stdout).unwrap();
        assert!(text.contains(&configuration.client.token), "{text}");
        let list = server.run(&["token", "list", "Entra", "--json"]);
        let list = String::from_utf8(list.stdout).unwrap();
        assert!(!list.contains(&configuration.client.token), "a list shows no token");
    }

    fn a_configuration_is_switched_while_the_server_runs(server: &Server) {
        let configuration = server.configuration("Switch");
        let client = &configuration.client;
        let user = client.user("ava");
        must(server, &["configuration", "disable", "Switch"]);
        client.get("/Users").expect_error(403, None);
        client.get("/ServiceProviderConfig").expect_error(403, None);
        must(server, &["configuration", "enable", "Switch"]);
        client.get(&format!("/Users/{user}")).expect(200);
        must(server, &["configuration", "edit", "Switch", "--groups", "false"]);
        client.get("/Groups").expect_error(403, None);
        client.get("/Users").expect(200);
        must(server, &["configuration", "edit", "Switch", "--groups", "true"]);
        client.get("/Groups").expect(200);
        must(server, &["configuration", "delete", "Switch"]);
        client.get("/Users").expect_error(401, None);
        let people = server.items(&["user", "list", "--json"]);
        assert_eq!(people[0]["id"], user, "whom it provisioned stays");
    }

    fn a_paused_configuration_tells_its_identity_provider_to_come_back(server: &Server) {
        let client = server.configuration("Pause").client;
        let user = client.user("ava");
        must(server, &["configuration", "pause", "Pause"]);
        let told = client.get("/Users");
        told.expect_error(503, None);
        assert!(told.text.contains("paused"), "{}", told.text);
        let wait = told.header("retry-after").unwrap();
        assert!(wait.parse::<u32>().unwrap() > 0, "{wait}");
        client.with_token("sopscim_x").get("/Users").expect_error(401, None);
        must(server, &["configuration", "enable", "Pause"]);
        client.get(&format!("/Users/{user}")).expect(200);
    }

    fn a_token_is_accepted_from_the_networks_that_are_allowed(server: &Server) {
        let client = server.configuration("Nets").client;
        must(server, &["configuration", "edit", "Nets", "--allowed-networks", "192.0.2.0/24"]);
        client.get("/Users").expect_error(403, None);
        must(server, &["configuration", "edit", "Nets", "--allowed-networks", "192.0.2.0/24,127.0.0.0/8"]);
        client.get("/Users").expect(200);
        let wrong = server.run(&["configuration", "edit", "Nets", "--allowed-networks", "nonsense"]);
        assert_eq!(wrong.status.code(), Some(2));
        let shown = server.json(&["configuration", "show", "Nets", "--json"]);
        assert_eq!(shown["allowedNetworks"][1], "127.0.0.0/8");
    }

    fn tokens_outlive_a_restart(server: &mut Server) {
        let client = server.configuration("Lasting").client;
        let user = client.user("ava");
        assert_eq!(server.stop(), Some(0));
        server.restart();
        let again = end_to_end::Client::new(&server.base, &client.token);
        again.get(&format!("/Users/{user}")).expect(200);
    }

    fn a_refused_attempt_is_an_entry_and_many_alike_are_counted(server: &Server) {
        let configuration = server.configuration("Okta");
        let client = &configuration.client;
        let newest = || {
            let events = server.items(&["events", "--configuration", "Okta", "--json"]);
            events.as_array().unwrap().clone()
        };
        let add = || {
            let added = server.json(&["token", "add", "Okta", "--json"]);
            client.with_token(added["value"].as_str().unwrap())
        };
        let known = uuid::Uuid::now_v7();
        must(server, &["configuration", "disable", "Okta"]);
        for _ in 0..5 {
            client.get(&format!("/Users/{known}")).expect_error(403, None);
        }
        must(server, &["configuration", "enable", "Okta"]);
        let second = add();
        let id = server.items(&["token", "list", "Okta", "--json"])[1]["id"].clone();
        must(server, &["token", "revoke", "Okta", "--id", id.as_str().unwrap()]);
        let (live, revoked) = match second.get("/Users").status {
            401 => (client.clone(), second),
            _ => (second, client.clone()),
        };
        revoked.get("/Users").expect_error(401, None);
        live.get("/Users").expect(200);
        let events = newest();
        let of = |cause: &str| {
            let alike = events.iter().filter(|event| event["cause"] == cause);
            alike.cloned().collect::<Vec<_>>()
        };
        let disabled = of("configuration.disabled");
        assert_eq!(disabled.len(), 1, "the others are counted: {disabled:?}");
        assert_eq!(disabled[0]["stage"], "authenticate");
        assert_eq!(disabled[0]["outcome"], "failure");
        assert_eq!(disabled[0]["resource"]["id"], known.to_string());
        assert_eq!(disabled[0]["source"], "127.0.0.1");
        assert_eq!(of("token.revoked").len(), 1);
        // Of a token that nobody issued there is no configuration to tell.
        let before = events.len();
        client.with_token("sopscim_x").get("/Users").expect_error(401, None);
        assert_eq!(newest().len(), before);
    }
}

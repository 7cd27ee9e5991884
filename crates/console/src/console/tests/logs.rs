//! The provisioning log, and what administrators do with its entries.

use super::house::House;
use scim_admin::account::Role;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::json;

pub(super) const LOGS: &str = "/users/scim-provisioning/logs";

impl House {
    /// A page of the log by its query.
    pub(super) fn logs(&self, cookie: &str, query: &str) -> super::super::ConsoleAnswer {
        self.console.answer(&super::ConsoleRequest {
            method: "GET",
            path: LOGS,
            query,
            cookie: Some(cookie),
            ..super::ConsoleRequest::default()
        })
    }

    pub(super) fn user(&self, name: &str) -> scim_provisioning::Answer {
        let body = json!({"schemas": [uri::USER], "userName": name});
        self.scim(Method::Post, "/Users", &body)
    }
}

#[test]
fn the_log_is_of_the_days_that_are_chosen() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    for (name, at) in [
        ("early", "2026-03-01T23:59:59Z"),
        ("first", "2026-03-02T00:00:00Z"),
        ("last", "2026-03-03T23:59:59Z"),
        ("late", "2026-03-04T00:00:00Z"),
    ] {
        assert_eq!(house.user(name).status, 201);
        let at: chrono::DateTime<chrono::Utc> = at.parse().unwrap();
        house.tamper(&format!(
            "UPDATE provisioning_events SET at = {} WHERE resource_name = '{name}'",
            at.timestamp_millis()
        ));
    }
    // The clock of the first entries is ahead of these.
    house.tamper("DELETE FROM provisioning_events WHERE at > 1790000000000");
    for (query, seen) in [
        ("from=2026-03-02&to=2026-03-03", vec!["first", "last"]),
        ("from=2026-03-03", vec!["last", "late"]),
        ("to=2026-03-01", vec!["early"]),
        ("from=2026-03-02&to=2026-03-03&time=24h", vec![]),
        (
            "from=2026-03-01T23:59&to=2026-03-02T00:00",
            vec!["early", "first"],
        ),
        ("from=2026-03-02T00:01&to=2026-03-03T23:58", vec![]),
        // By the clock of whoever looks.
        (
            "from=2026-03-02T01:00&to=2026-03-04T00:59&zone=Europe/Berlin",
            vec!["first", "last"],
        ),
        ("from=2026-03-04&zone=Europe/Berlin", vec!["last", "late"]),
    ] {
        let page = house.logs(&ada, query);
        assert_eq!(page.status, 200, "{query}");
        let file = house.post(
            &ada,
            &format!("{LOGS}/export"),
            &format!("format=csv&{query}"),
        );
        for name in ["early", "first", "last", "late"] {
            let wanted = seen.contains(&name);
            assert_eq!(
                page.body.contains(&format!(">User {name}<")),
                wanted,
                "{query}: {name}"
            );
            assert_eq!(
                file.body.contains(&format!(",{name},")),
                wanted,
                "{query}: {name}"
            );
        }
    }
    let page = house
        .logs(&ada, "from=2026-03-02&to=2026-03-03&rows=10")
        .body;
    for field in [
        r#"name="from" value="2026-03-02""#,
        r#"name="to" value="2026-03-03""#,
    ] {
        assert!(page.contains(field), "the file is of the same days: {page}");
    }
}

#[test]
fn a_date_that_is_none_is_told_beside_its_field() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    for (query, said) in [
        ("from=2026-02-30", "from-error"),
        ("to=yesterday", "to-error"),
        ("to=%3Cscript%3E", "to-error"),
    ] {
        let page = house.logs(&ada, query);
        assert_eq!(page.status, 422, "{query}");
        let told = format!(r#"aria-describedby="{said}""#);
        assert!(page.body.contains(&told), "{query}: {}", page.body);
        assert!(!page.body.contains("<tbody>") && !page.body.contains("“<script"));
        let file = house.post(
            &ada,
            &format!("{LOGS}/export"),
            &format!("format=csv&{query}"),
        );
        assert_eq!(file.location, Some(format!("/admin{LOGS}?{query}")));
    }
    let far = house.logs(&ada, "from=0001-01-01&to=9999-12-31");
    assert_eq!(far.status, 200);
    assert!(far.body.contains("<tbody>"));
}

#[test]
fn a_word_that_no_filter_knows_shows_and_exports_nothing() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    assert_eq!(house.user("first").status, 201);
    for (query, said) in [
        ("outcome=zzz", "“zzz” is no outcome."),
        ("action=zzz", "“zzz” is no action."),
        ("resource=zzz", "“zzz” is no resource."),
        ("time=2h", "“2h” is no time."),
        ("state=zzz", "“zzz” is no state."),
        ("zone=zzz", "“zzz” is no time zone."),
        ("configuration=zzz", "“zzz” is no configuration."),
        ("outcome=success&state=zzz", "“zzz” is no state."),
    ] {
        let page = house.logs(&ada, query);
        assert_eq!(page.status, 422, "{query}");
        assert!(page.body.contains(said), "{query}: {}", page.body);
        assert!(!page.body.contains("<tbody>"), "{query}");
        assert!(!page.body.contains("data-refresh"), "{query}");
        let exported = format!("format=csv&{query}");
        let file = house.post(&ada, &format!("{LOGS}/export"), &exported);
        let wanted = Some(query.to_owned());
        let led = file
            .location
            .map(|to| to.split('?').nth(1).unwrap().to_owned());
        let mut led: Vec<String> = led
            .iter()
            .flat_map(|to| to.split('&'))
            .map(str::to_owned)
            .collect();
        led.sort_unstable();
        assert_eq!(Some(led.join("&")), wanted);
    }
    for query in [
        "outcome=success",
        "time=24h&state=open",
        "action=create&resource=User",
    ] {
        assert_eq!(house.logs(&ada, query).status, 200, "{query}");
    }
}

/// The heads of the table, without the time.
fn heads(page: &str) -> Vec<&str> {
    let (_, table) = page.split_once("<thead>").unwrap();
    let (row, _) = table.split_once("</thead>").unwrap();
    let heads = row.split("<th scope=\"col\">").skip(2);
    heads.map(|head| head.split('<').next().unwrap()).collect()
}

#[test]
fn the_columns_are_those_that_were_chosen_on_every_page() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    for at in 0..10 {
        house.user(&format!("u{at}"));
    }
    // How it ended and why stand before what may be out of sight.
    let usual = [
        "Outcome",
        "Action",
        "Resource",
        "Reason",
        "Configuration",
        "HTTP",
        "Took",
    ];
    assert_eq!(heads(&house.logs(&ada, "").body), usual);
    let chosen = "column=time&column=scimType&column=changed&column=scimId&column=requestId&column=mappingVersion&rows=10";
    let page = house.logs(&ada, chosen).body;
    let wanted = [
        "scimType",
        "Changed fields",
        "SCIM id",
        "Request id",
        "Mapping version",
    ];
    assert_eq!(heads(&page), wanted);
    assert!(page.contains(">userName, active</td>"), "{page}");
    // The way on and the file keep the choice.
    let kept = "column=time&#38;column=scimType&#38;column=changed&#38;column=scimId&#38;\
        column=requestId&#38;column=mappingVersion&#38;rows=10&#38;before=";
    assert!(page.contains(kept), "{page}");
    assert!(page.contains(r#"type="hidden" name="column" value="scimId""#));
    assert!(page.contains(r#"name="column" value="scimId" checked> SCIM id"#));
    assert!(page.contains(r#"name="column" value="took"> Took"#));
    assert!(heads(&house.logs(&ada, "column=time").body).is_empty());
    let own = house.path("/users/scim-provisioning/*/logs");
    let page = house.ask("GET", &own, Some(&ada), "").body;
    let own = usual.iter().filter(|head| **head != "Configuration");
    assert_eq!(heads(&page), own.copied().collect::<Vec<_>>());
    let every = "column=source&column=client&column=configuration";
    let page = house.logs(&ada, every).body;
    assert_eq!(heads(&page), ["Configuration", "Source address", "Client"]);
    assert!(!page.contains("<script>alert") && page.contains("script&#62;alert"));
}

#[test]
fn a_failure_is_resolved_on_its_page_and_opened_again() {
    let house = House::new();
    let (ada, otto) = (
        house.account("ada", Role::Administrator),
        house.account("otto", Role::Auditor),
    );
    house.user("bo");
    assert_eq!(house.user("BO").status, 409);
    let query = scim_admin::event::EventQuery {
        limit: 1,
        ..Default::default()
    };
    let id = house.admin.events(&query).unwrap()[0].id;
    let entry = format!("{LOGS}/{id}");
    let page = |cookie: &str| house.ask("GET", &entry, Some(cookie), "").body;
    let overview = || house.ask("GET", "/", Some(&ada), "").body;
    let link = format!("logs/{id}\"");
    assert!(overview().contains(&link));
    assert!(page(&ada).contains(">Mark as resolved<"));
    assert!(!page(&otto).contains(">Mark as resolved<"));
    assert_eq!(
        house.post(&otto, &format!("{entry}/resolve"), "").status,
        403
    );

    let done = house.post(&ada, &format!("{entry}/resolve"), "");
    assert_eq!(done.location, Some(format!("/admin{entry}?done=resolved")));
    let resolved = "UTC</span> by <span dir=\"auto\">ada</span>";
    assert!(page(&ada).contains(resolved) && page(&otto).contains(resolved));
    assert!(!page(&otto).contains(">Reopen<"));
    assert!(!overview().contains(&link) && overview().contains("No failure is open."));
    assert!(house.logs(&ada, "state=resolved").body.contains(&link));
    assert!(
        house
            .logs(&ada, "state=resolved")
            .body
            .contains(">resolved</span>")
    );
    assert!(!house.logs(&ada, "state=open").body.contains(&link));
    let file = house.post(&ada, &format!("{LOGS}/export"), "format=csv&state=resolved");
    let lines: Vec<&str> = file.body.lines().collect();
    assert_eq!(lines.len(), 2, "{}", file.body);
    assert!(
        lines[1].contains(",ada,match,uniqueness.own,"),
        "{}",
        file.body
    );

    let done = house.post(&ada, &format!("{entry}/reopen"), "");
    assert_eq!(done.location, Some(format!("/admin{entry}?done=reopened")));
    assert!(overview().contains(&link));
    assert!(house.logs(&ada, "state=open").body.contains(&link));
    assert_eq!(
        house.post(&ada, &format!("{LOGS}/1/resolve"), "").status,
        422,
        "a success"
    );
    assert_eq!(
        house.post(&ada, &format!("{LOGS}/999/resolve"), "").status,
        404
    );
}

#[test]
fn an_entry_shows_what_was_answered() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    house.user("bo");
    house.user("bo");
    let page = |id: i64| {
        let path = format!("{LOGS}/{id}");
        house.ask("GET", &path, Some(&ada), "").body
    };
    let answer = page(4);
    assert!(answer.contains("Answer, HTTP 409"), "{answer}");
    assert!(
        answer.contains("&#34;scimType&#34;: &#34;uniqueness&#34;,"),
        "{answer}"
    );
    assert!(answer.contains("exists already."), "{answer}");
    assert!(!page(3).contains("Answer, HTTP"));
}

/// The steps of the newest entry, as its page tells them.
fn steps(page: &str) -> Vec<(String, String)> {
    let mut steps = Vec::new();
    let list = page
        .split("<ol class=\"stages\">")
        .nth(1)
        .unwrap_or_default();
    let list = list.split("</ol>").next().unwrap();
    for item in list.split("<li").skip(1) {
        let (name, rest) = item.split_once('>').unwrap().1.split_once(' ').unwrap();
        let state = rest.split('>').nth(1).unwrap().split('<').next().unwrap();
        steps.push((name.to_owned(), state.to_owned()));
    }
    steps
}

#[test]
fn an_entry_tells_the_step_at_which_it_ended_and_the_page_that_mends_it() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let show = || {
        let newest = house.admin.events(&scim_admin::event::EventQuery {
            limit: 1,
            ..Default::default()
        });
        let id = newest.unwrap()[0].id;
        let path = format!("{LOGS}/{id}");
        house.ask("GET", &path, Some(&ada), "").body
    };
    let ended = |page: &str| {
        let steps = steps(page);
        let at = steps
            .iter()
            .position(|(_, state)| state != "passed")
            .unwrap();
        assert!(
            steps[at + 1..]
                .iter()
                .all(|(_, state)| state == "not reached")
        );
        steps[at].clone()
    };
    let configuration = format!("/admin/users/scim-provisioning/{}", house.configuration);

    // What is no value of the attribute is refused while it is read, not by a rule.
    let body = json!({"schemas": [uri::USER], "userName": "x", "active": "maybe"});
    assert_eq!(house.scim(Method::Post, "/Users", &body).status, 400);
    assert_eq!(ended(&show()), ("Read".to_owned(), "ended here".to_owned()));

    // The guard that refuses has held nothing.
    for name in ["a", "b"] {
        assert_eq!(house.user(name).status, 201);
    }
    house.tamper(
        "UPDATE provisioning_configurations SET policies = json_set(policies, \
         '$.guard', json('{\"count\":1,\"percent\":1,\"minutes\":60,\"action\":\"reject\"}'))",
    );
    let list = house
        .scim(Method::Get, "/Users", &json!(null))
        .body
        .unwrap();
    let mut last = None;
    for user in list["Resources"].as_array().unwrap() {
        let path = format!("/Users/{}", user["id"].as_str().unwrap());
        last = Some(house.scim(Method::Delete, &path, &json!(null)).status);
    }
    assert_eq!(last, Some(403));
    let page = show();
    assert_eq!(ended(&page), ("Policy".to_owned(), "ended here".to_owned()));
    assert!(page.contains("Refused by the guard: "), "{page}");
    assert!(!page.contains("Held by"), "{page}");
    assert!(
        page.contains(&format!("href=\"{configuration}/policy\"")),
        "{page}"
    );
    assert!(
        page.contains(">User b</"),
        "a failed DELETE has a name: {page}"
    );

    // An older version noted no stage, and none is guessed.
    house.tamper("UPDATE provisioning_events SET stage = NULL, cause = NULL");
    let page = show();
    assert!(steps(&page).is_empty(), "{page}");
    assert!(!page.contains("What to do"), "{page}");
}

#[test]
fn an_entry_tells_its_changes_in_words_of_serviceops_with_names_for_ids() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let id_of = |answer: scim_provisioning::Answer| {
        let body = answer.body.unwrap_or_default();
        body["id"].as_str().unwrap().to_owned()
    };
    let boss = id_of(house.user("boss"));
    let body = json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": "report", "title": "Lead",
        uri::ENTERPRISE_USER: {"manager": {"value": boss}}});
    let id = id_of(house.scim(Method::Post, "/Users", &body));
    let newest = || {
        let query = scim_admin::event::EventQuery {
            before: Some(i64::MAX),
            limit: 1,
            ..Default::default()
        };
        let id = house.admin.events(&query).unwrap()[0].id;
        house
            .ask("GET", &format!("{LOGS}/{id}"), Some(&ada), "")
            .body
    };
    let fields = |page: &str| {
        let (_, table) = page
            .split_once("<caption>Changes in ServiceOps</caption>")
            .unwrap();
        table.split("</table>").next().unwrap().to_owned()
    };
    let creation = newest();
    assert!(fields(&creation).contains(">Manager</th>"), "{creation}");
    assert!(!fields(&creation).contains(&boss), "{creation}");
    assert!(fields(&creation).contains(">boss</td>"), "{creation}");
    // The page of the run says the same, each field with what it was and became.
    let query = scim_admin::run::RunsQuery {
        configuration: Some(house.configuration),
        limit: 1,
        ..Default::default()
    };
    let run = house.admin.runs(&query).unwrap().swap_remove(0).id;
    let path = format!(
        "/users/scim-provisioning/{}/runs/{run}",
        house.configuration
    );
    let page = house.ask("GET", &path, Some(&ada), "").body;
    assert!(
        page.contains("<li>Manager: <ins dir=\"auto\">boss</ins></li>"),
        "{page}"
    );
    let raw = ["null", "managed_by", "external_id", "configuration:"];
    assert!(raw.iter().all(|word| !page.contains(word)), "{page}");
    // The requests here have one id, by which an entry finds what it changed.
    house.tamper("DELETE FROM run_images");
    let change = json!({"schemas": [uri::PATCH_OP], "Operations": [
        {"op": "replace", "path": "title", "value": "Head"}]});
    let changed = house.scim(Method::Patch, &format!("/Users/{id}"), &change);
    assert_eq!(changed.status, 200);
    let change = newest();
    let row = ">Designation</th><td dir=\"auto\">Lead</td><td dir=\"auto\">Head</td>";
    assert!(fields(&change).contains(row), "{change}");
    // By the clock of whoever looks, where there is a script.
    assert!(change.contains("<time datetime=\"20"), "{change}");
    // What is not kept any more is told attribute by attribute alone.
    house.tamper("DELETE FROM run_images");
    let change = newest();
    assert!(
        !change.contains("Changes in ServiceOps") && change.contains(">title</th>"),
        "{change}"
    );
}

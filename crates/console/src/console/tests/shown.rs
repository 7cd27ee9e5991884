//! What pages show of what went wrong, of what is not allowed, and of what is to be asked.

use scim_admin::ConfigurationInput;
use scim_admin::account::Role;
use scim_mapping::ResourceKind;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Value, json};

use super::super::ConsoleRequest;
use super::house::{House, PASSWORD, actor};

fn get(house: &House, cookie: &str, path: &str) -> String {
    let answer = house.ask("GET", &house.path(path), Some(cookie), "");
    assert_eq!(answer.status, 200, "{path}");
    answer.body
}

/// The field that a page names as wrong is marked, and the summary leads to it.
fn names(page: &str, field: &str) {
    let links = page.contains(&format!("<a href=\"#{field}\">"));
    let mut fields = page.split('<').filter(|tag| tag.contains(" id=\""));
    let marked = fields.find(|tag| tag.contains(&format!(" id=\"{field}\"")));
    let marked = marked.is_some_and(|tag| {
        tag.contains("aria-invalid=\"true\"") && tag.contains("aria-describedby=\"error\"")
    });
    assert!(links && marked, "{field}: {page}");
}

#[test]
fn what_is_wrong_is_said_beside_its_field() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let (_, versions) = house
        .admin
        .mappings(house.configuration, ResourceKind::User)
        .unwrap();
    let base = &versions
        .iter()
        .find(|version| version.version == 1)
        .unwrap()
        .checksum;
    let refused = |path: &str, body: &str| {
        let answer = house.post(&ada, path, &body.replace("BASE", base));
        assert_eq!(answer.status, 422, "{path} {body}");
        answer.body
    };
    let rule = "base=BASE&kind=path&apply=always&direction=both&on_error=skipWarn&on_absent=clear";
    let save = "/users/scim-provisioning/*/mappings/*/save-rule";
    let cases = [
        (
            "transforms",
            "source=title&target=job_title&transforms=nosuch",
        ),
        (
            "transforms",
            "source=title&target=job_title&transforms=prefix%3A+7",
        ),
        ("target", "source=title&target="),
        ("target", "source=title&target=nosuch"),
        ("source", "source=%28&target=job_title"),
        ("rank", "source=title&target=job_title&rank=x"),
    ];
    for (field, body) in cases {
        let page = refused(save, &format!("{rule}&{body}"));
        names(&page, field);
        assert!(!page.contains("unknown variant"), "{page}");
    }
    let page = refused(
        save,
        &format!("{rule}&source=title&target=job_title&transforms=nosuch"),
    );
    assert!(page.contains("There is no transform “nosuch”."), "{page}");

    let field = "/users/user-form";
    names(&refused(field, "label=&key=a&kind=boolean"), "label");
    names(&refused(field, "label=A&key=9&kind=boolean"), "key");
    names(
        &refused(field, "label=A&key=a&kind=singleChoice"),
        "options",
    );
    names(&refused(field, "label=A&key=a&kind=text&max=0"), "max");

    let policy = "/users/scim-provisioning/*/policy";
    let body = "version=1&deletion=delete&days=30&guard_count=1&guard_percent=20&guard_minutes=60&\
        member_guard_count=9&member_guard_percent=50";
    for (field, from, to) in [
        ("guard_count", "guard_count=1", "guard_count=x"),
        ("guard_percent", "percent=20", "percent=0"),
        ("guard_minutes", "minutes=60", "minutes=0"),
        ("days", "days=30", "days=x"),
        // What would be dropped is refused.
        ("days", "deletion=delete&days=30", "deletion=block&days=31"),
        (
            "member_guard_count",
            "member_guard_count=9",
            "member_guard_count=x",
        ),
        (
            "member_guard_percent",
            "member_guard_percent=50",
            "member_guard_percent=0",
        ),
        ("networks", "version", "networks=nonsense&version"),
    ] {
        names(&refused(policy, &body.replacen(from, to, 1)), field);
    }

    let import = "/users/scim-provisioning/*/mappings/*/import";
    let page = refused(import, "base=BASE&document=%7Bkept");
    names(&page, "document");
    assert!(page.contains("{kept</textarea>"), "{page}");

    let page = refused(
        "/settings/accounts",
        "name=otto&role=administrator&password=short",
    );
    names(&page, "account-password");
    assert!(
        page.contains("value=\"otto\"") && !page.contains("value=\"short\""),
        "{page}"
    );
    assert!(
        page.contains("<details open><summary>Add an account"),
        "{page}"
    );
    let page = refused("/settings/api-keys", "name=k&role=administrator&days=7");
    names(&page, "key-scopes");
    let page = refused(
        "/settings/api-keys",
        "name=k&role=auditor&days=999&scopes=read",
    );
    names(&page, "key-days");
    assert!(
        page.contains("<details open><summary>Add an API key"),
        "{page}"
    );
}

#[test]
fn auditors_see_nothing_that_they_cannot_use() {
    let house = House::new();
    let otto = house.account("otto", Role::Auditor);
    let policy = get(&house, &otto, "/users/scim-provisioning/*/policy");
    assert!(
        policy.contains("<fieldset class=\"plain\" disabled>"),
        "{policy}"
    );
    house.tamper(
        "UPDATE access_tokens SET expires_at = (CAST(strftime('%s', 'now') AS INTEGER) + 86400) * 1000",
    );
    for path in [
        "/",
        "/users/scim-provisioning",
        "/users/scim-provisioning/*",
        "/users/scim-provisioning/*/held",
    ] {
        let page = get(&house, &otto, path);
        assert!(!page.contains("/tokens\""), "{path}: {page}");
        assert!(!page.contains("name=\"user\""), "{path}: {page}");
    }
}

#[test]
fn what_cannot_be_undone_asks_first() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let added = house.post(&ada, "/users/user-form", "label=Team&key=team&kind=boolean");
    assert_eq!(added.status, 303);
    house.account("otto", Role::Auditor);
    for (path, word) in [
        ("/users/user-form", "Delete"),
        ("/users/*", "Archive"),
        ("/users/*", "Unlink"),
        ("/groups/*", "Unlink"),
        ("/settings", "Delete"),
        ("/users/scim-provisioning/*/tokens", "Revoke"),
        ("/users/scim-provisioning/*/mappings/*", "Delete"),
        (
            "/users/scim-provisioning/*/mappings/user/impact",
            "Apply to everybody",
        ),
    ] {
        let page = get(&house, &ada, path);
        let asks = page.split("<details class=\"sure\">").skip(1);
        let mut asks = asks.filter_map(|rest| rest.split("</details>").next());
        let button = format!(">{word}</button>");
        assert!(
            asks.any(|ask| ask.contains(&button)),
            "{path} {word}: {page}"
        );
    }
}

#[test]
fn who_is_signed_in_stays_within_the_console_when_something_is_not_there() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let otto = house.account("otto", Role::Auditor);
    let ask = |method, path: &str, cookie| house.ask(method, &house.path(path), Some(cookie), "");
    for (method, path, cookie, status, back) in [
        ("GET", "/users/nobody", &ada, 404, "/admin/users"),
        ("GET", "/nowhere", &ada, 404, "/admin"),
        ("POST", "/help", &ada, 405, "/admin/help"),
        (
            "GET",
            "/users/scim-provisioning/*/tokens",
            &otto,
            403,
            "/admin/users/scim-provisioning/*",
        ),
        ("POST", "/users/*/block", &ada, 403, "/admin/users/*"),
    ] {
        let answer = ask(method, path, cookie.as_str());
        assert_eq!(answer.status, status, "{method} {path}");
        let back = format!(
            "<a class=\"button main\" href=\"{}\">Back",
            house.path(back)
        );
        assert!(
            answer.body.contains(&back),
            "{method} {path}: {}",
            answer.body
        );
        assert!(answer.body.contains("Sign out"), "{method} {path}");
        assert_eq!(answer.allow.is_some(), status == 405);
    }
    let stranger = house.ask("DELETE", "/assets/console.css", None, "");
    assert_eq!(stranger.status, 405);
    assert_eq!(stranger.allow.as_deref(), Some("GET, HEAD"));
    assert!(!stranger.body.contains("Sign out"));
    let posted = house.ask("PUT", "/logout", Some(&ada), "");
    assert_eq!(
        (posted.status, posted.allow.as_deref()),
        (405, Some("POST"))
    );
}

#[test]
fn the_theme_leads_back_to_a_page_and_never_to_a_form() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let next = |page: &str| {
        let rest = page.split("name=\"next\" value=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    for (path, body) in [
        ("/settings/accounts", "name=&role=x&password=x"),
        ("/users/scim-provisioning/*/mappings/*/save-rule", "base=x"),
        ("/users/scim-provisioning/*/held/allow", ""),
        ("/users/user-form/edit", "key=nosuch"),
    ] {
        let page = house.post(&ada, path, body).body;
        let next = next(&page);
        let below = next.strip_prefix("/admin").unwrap();
        let seen = house.ask("GET", below, Some(&ada), "").status;
        assert!(seen == 200 || path.ends_with("/edit"), "{path}: {next}");
    }
}

#[test]
fn numbers_of_a_configuration_lead_to_what_they_count() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let page = get(&house, &ada, "/users/scim-provisioning/*");
    let id = house.configuration;
    for link in [
        format!("/admin/users?managed={id}&amp;status=active"),
        format!("/admin/users?managed={id}&amp;status=blocked"),
        format!("/admin/users?managed={id}&amp;status=archived"),
        format!("/admin/groups?managed={id}"),
        format!("/admin/users/scim-provisioning/{id}/logs?time=7d"),
    ] {
        assert!(page.contains(&format!("href=\"{link}\"")), "{link}: {page}");
    }
    let users = house.ask("GET", "/users", Some(&ada), "");
    assert!(users.body.contains("1 user shown"), "{}", users.body);
}

#[test]
fn words_are_those_of_people() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let groups = get(&house, &ada, "/groups");
    assert!(groups.contains("requester group") && !groups.contains("requester_group"));
    let user = get(&house, &ada, "/users/*");
    assert!(
        !user.contains("<dt>externalId"),
        "it is a field already: {user}"
    );
    let mapping = get(&house, &ada, "/users/scim-provisioning/*/mappings/*");
    assert!(mapping.contains("enterprise › "), "{mapping}");
    assert!(
        mapping.contains("true → active") || mapping.contains("true → &#34;active"),
        "{mapping}"
    );
    assert!(mapping.contains("id=\"rule-user_name\""), "{mapping}");
}

#[test]
fn the_stylesheet_and_the_script_stay_small() {
    let house = House::new();
    let budgets = [
        ("console.css", 24),
        ("modes.css", 4),
        ("mapping.css", 6),
        ("console.js", 16),
        ("rules.js", 8),
    ];
    for (path, most) in budgets {
        let asset = house.ask("GET", &format!("/assets/{path}"), None, "");
        assert_eq!(asset.status, 200);
        assert!(
            asset.body.len() <= most * 1024,
            "{path}: {}",
            asset.body.len()
        );
    }
}

#[test]
fn a_manager_stands_once_on_a_page_and_leads_to_who_it_is() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let made = |body: &Value| {
        let answer = house.scim(Method::Post, "/Users", body);
        answer.body.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let boss = made(&json!({"schemas": [uri::USER], "userName": "the.boss"}));
    let id = made(&json!({
        "schemas": [uri::USER, uri::ENTERPRISE_USER],
        "userName": "bo",
        uri::ENTERPRISE_USER: {"manager": {"value": boss}, "employeeNumber": "0042"},
    }));
    let page = get(&house, &ada, &format!("/users/{id}"));
    assert!(
        page.contains(&format!("<a href=\"/admin/users/{boss}\">the.boss</a>")),
        "{page}"
    );
    assert_eq!(page.matches("the.boss").count(), 1, "{page}");
    assert!(page.contains(">0042<"), "a number is no JSON: {page}");
}

#[test]
fn many_configurations_are_sorted_by_what_they_need() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let add = |name: String, days| {
        let input = ConfigurationInput {
            name,
            users: true,
            ..ConfigurationInput::fresh()
        };
        let added = house.admin.add_configuration(&actor(), &input, days);
        added.unwrap().0.id
    };
    for number in 10..40 {
        add(format!("Quiet {number}"), None);
    }
    let list = get(&house, &ada, "/users/scim-provisioning");
    assert!(!list.contains("class=\"banner\""), "{list}");
    for number in 1..=4 {
        add(format!("Ending {number}"), Some(7));
    }
    let revoked = add("Zero".to_owned(), None);
    house.admin.revoke_tokens(&actor(), revoked, None).unwrap();
    let page = get(&house, &ada, "/");
    assert!(
        page.contains("1 without a live token") && page.contains("4 tokens end soon"),
        "{page}"
    );
    assert!(page.contains("12 more under SCIM Provisioning"), "{page}");
    let at = |name: &str| page.find(&format!("title=\"{name}\"")).unwrap();
    assert!(
        at("Zero") < at("Ending 1") && at("Ending 4") < at("Quiet 10"),
        "{page}"
    );
    let list = house.console.answer(&ConsoleRequest {
        method: "GET",
        path: "/users/scim-provisioning",
        query: "rows=100",
        cookie: Some(&ada),
        ..ConsoleRequest::default()
    });
    assert!(
        list.body
            .contains("The tokens of 4 configurations end soon"),
        "{}",
        list.body
    );
    assert!(
        list.body.contains("<details class=\"banner\">"),
        "{}",
        list.body
    );
    assert!(page.len() <= 60 * 1024, "{}", page.len());
}

#[test]
fn the_first_page_says_how_long_a_password_is() {
    let house = House::new();
    let secret = house.console.setup_secret().unwrap().unwrap();
    let page = house.console.answer(&ConsoleRequest {
        method: "GET",
        path: "/setup",
        query: &format!("secret={secret}"),
        ..ConsoleRequest::default()
    });
    assert!(
        page.body.contains("aria-describedby=\"password-hint\""),
        "{}",
        page.body
    );
    assert!(page.body.contains("ServiceOps SCIM") && page.body.contains("autofocus"));
    assert!(PASSWORD.chars().count() >= 15);
}

#[test]
fn a_configuration_that_provisions_nothing_says_so_until_it_does() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let (own, list) = ("/users/scim-provisioning/*", "/users/scim-provisioning");
    let warns = |path: &str| get(&house, &ada, path).contains("provisions nothing: neither");
    let banner = |path: &str| get(&house, &ada, path).contains("Provisions nothing: neither");
    let save = |types: &str| {
        let found = house.admin.configuration(house.configuration).unwrap();
        let (name, version) = (found.name.replace('&', "%26"), found.version);
        let form = format!("version={version}&name={name}&identity_provider=okta{types}");
        let answer = house.post(&ada, &format!("{own}/edit"), &form);
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.location.unwrap()
    };
    assert!(!warns(list) && !banner(own));
    let page = save("");
    let page = page.strip_prefix("/admin").unwrap();
    let (path, query) = page.split_once('?').unwrap();
    let request = ConsoleRequest {
        method: "GET",
        path,
        query,
        cookie: Some(&ada),
        ..ConsoleRequest::default()
    };
    let saved = house.console.answer(&request).body;
    assert!(saved.contains("Saved. This configuration provisions nothing"));
    assert!(banner(own) && banner(&format!("{own}/policy")) && warns(list));
    assert!(get(&house, &ada, &format!("{own}/edit")).contains("Provisioning Type"));
    for types in ["&users=on", "&groups=on"] {
        assert!(save(types).ends_with("done=saved"), "{types}");
        assert!(!warns(list) && !banner(own), "{types}");
    }
    let made = house.post(&ada, &format!("{list}/new"), "name=Idle&days=90");
    let shown = made.location.unwrap();
    assert_eq!(made.status, 303);
    let cookie = format!("{ada}; {}", made.cookies[0].split(';').next().unwrap());
    let (path, query) = shown.split_once('?').unwrap();
    let token = house.console.answer(&ConsoleRequest {
        path: path.strip_prefix("/admin").unwrap(),
        query,
        cookie: Some(&cookie),
        ..request
    });
    assert!(
        token.body.contains("Provisions nothing: neither"),
        "{}",
        token.body
    );
}

//! Every page, for everybody.

mod accounts;
mod actions;
mod alerts;
mod devices;
mod elsewhere;
mod entered;
mod house;
mod keys;
mod links;
mod logs;
mod meanwhile;
mod outside;
mod replays;
mod rules;
mod shown;
mod streams;

use scim_admin::account::Role;

use self::house::{House, PASSWORD, actor};
use super::ConsoleRequest;
use super::routes::{Access, ROUTES, Route};

#[test]
fn every_page_is_shown_to_those_who_may_see_it_and_to_nobody_else() {
    let house = House::new();
    let administrator = house.account("ada", Role::Administrator);
    let auditor = house.account("otto", Role::Auditor);
    for route in ROUTES.iter().filter(|route| route.access != Access::Anyone) {
        let path = house.path(route.path);
        let said = format!("{} {path}", route.method);
        let ask = |cookie| house.ask(route.method, &path, cookie, "");
        let stranger = ask(None);
        assert_eq!(stranger.status, 303, "{said}");
        assert!(
            stranger.location.unwrap().starts_with("/admin/login"),
            "{said}"
        );
        // Without the token of the session no form is taken.
        let writes = route.method == "POST";
        let seen = ask(Some(&auditor)).status;
        let wanted = match (route.access, writes) {
            (Access::Auditor, false) => seen == wanted_of(&path),
            _ => seen == 403,
        };
        assert!(wanted, "{said}: {seen}");
        let seen = ask(Some(&administrator)).status;
        let wanted = match writes {
            true => seen == 403,
            false => seen == wanted_of(&path),
        };
        assert!(wanted, "{said}: {seen}");
    }
}

/// There is no group rule and no custom field to be edited.
fn wanted_of(path: &str) -> u16 {
    let missing = path.contains("/groups/rules/") || path.ends_with("/user-form/edit");
    match (missing, path.contains("/tokens/")) {
        (true, _) => 404,
        // A token is shown to whoever made or asked for it just now.
        (false, true) => 303,
        (false, false) => 200,
    }
}

#[test]
fn a_form_is_taken_with_the_token_of_its_own_session_from_this_site_alone() {
    let house = House::new();
    let (ada, eve) = (
        house.account("ada", Role::Administrator),
        house.account("eve", Role::Administrator),
    );
    let path = house.path("/users/scim-provisioning/*/disable");
    let of_another = house.form_token(&eve);
    assert_eq!(
        house.ask("POST", &path, Some(&ada), &of_another).status,
        403
    );
    let own = house.form_token(&ada);
    let request = ConsoleRequest {
        method: "POST",
        path: &path,
        body: own.as_bytes(),
        cookie: Some(&ada),
        host: Some("localhost:8443"),
        ..ConsoleRequest::default()
    };
    let from_elsewhere = [
        ConsoleRequest {
            fetch_site: Some("cross-site"),
            ..request
        },
        ConsoleRequest {
            origin: Some("https://evil.example"),
            ..request
        },
        ConsoleRequest {
            origin: Some("http://localhost:8443"),
            ..request
        },
    ];
    for request in from_elsewhere {
        assert_eq!(house.console.answer(&request).status, 403, "{request:?}");
    }
    let enabled = || {
        let found = house.admin.configuration(house.configuration).unwrap();
        found.status == scim_admin::ConfigurationStatus::Enabled
    };
    assert!(enabled());
    let answer = house.console.answer(&ConsoleRequest {
        origin: Some("https://localhost:8443"),
        fetch_site: Some("same-origin"),
        ..request
    });
    assert_eq!(answer.status, 303);
    assert!(!enabled());
}

#[test]
fn text_of_people_is_text_on_every_page() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let mut shown = 0;
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        let path = house.path(route.path);
        let page = house.ask("GET", &path, Some(&ada), "").body;
        // The name stands in titles, cells, fields, links and charts.
        // The reference of the admin API is as long as the API.
        let short = path.starts_with("/api-docs") || page.len() <= 60 * 1024;
        assert!(short, "{path}: {}", page.len());
        assert!(!page.contains("<script>alert"), "{path}: {page}");
        assert!(!page.contains("<b>Azure"), "{path}: {page}");
        assert!(!page.contains("\" onerror=x"), "{path}: {page}");
        shown += usize::from(page.contains("script&#62;alert") || page.contains("script&gt;alert"));
    }
    assert!(shown >= 8, "the name is on {shown} pages");
}

#[test]
fn forms_with_nonsense_are_refused_and_change_nothing() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let nonsense = [
        "",
        "&name=%00",
        "&name=&key=x&base=y&version=z&document=[[[&overlap=-1&text=&when=name&guard_count=a&days=&role=x&kind=x&person=x",
    ];
    let before = house.admin.audit(&scim_admin::event::AuditQuery {
        limit: 1_000,
        ..Default::default()
    });
    // What takes effect with no more than the button.
    let plain = [
        "/login",
        "/disable",
        "/enable",
        "/pause",
        "/logout",
        "/theme",
        "/block",
        "/unblock",
        "/unlink",
        "/archive",
        "/reapply",
        "/drift",
        "/impact",
        "/export",
        "/reveal",
        "/revoke",
        "/tokens",
        "/begin",
        "/tables/{table}/delete",
        "/secret",
        "/test",
        "/streams/{stream}/delete",
    ];
    for route in ROUTES.iter().filter(|route| route.method == "POST") {
        if plain.iter().any(|word| route.path.ends_with(word)) {
            continue;
        }
        for body in nonsense {
            let path = house.path(route.path);
            let body = format!("{}{body}", house.form_token(&ada));
            let answer = house.ask("POST", &path, Some(&ada), &body);
            // What no text may hold is refused before the form is read.
            assert!(
                [400, 404, 422].contains(&answer.status),
                "{path}: {}",
                answer.status
            );
        }
    }
    let after = house.admin.audit(&scim_admin::event::AuditQuery {
        limit: 1_000,
        ..Default::default()
    });
    assert_eq!(before.unwrap().len(), after.unwrap().len());
}

#[test]
fn secrets_and_what_cannot_be_undone_ask_for_the_password_again() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let forget = || house.tamper("UPDATE sessions SET confirmed_at = 0");
    forget();
    let asks = |route: &Route| {
        let path = house.path(route.path);
        let body = format!("{}&note=kept+%22text%22", house.form_token(&ada));
        let answer = house.ask("POST", &path, Some(&ada), &body);
        let asked = answer.body.contains("Enter your password again");
        assert!(
            !asked
                || answer
                    .body
                    .contains("name=\"note\" value=\"kept &#34;text&#34;\""),
            "{path}: {}",
            answer.body
        );
        asked
    };
    let asking: Vec<&str> = ROUTES
        .iter()
        .filter(|route| route.method == "POST" && route.access != Access::Anyone)
        .filter(|route| route.confirmed && asks(route))
        .map(|route| route.path)
        .collect();
    assert_eq!(
        asking,
        [
            "/users/scim-provisioning/new",
            "/users/scim-provisioning/logs/export",
            "/users/scim-provisioning/logs/{event}/replay",
            "/users/scim-provisioning/{configuration}/edit",
            "/users/scim-provisioning/{configuration}/enable",
            "/users/scim-provisioning/{configuration}/delete",
            "/users/scim-provisioning/{configuration}/tokens",
            "/users/scim-provisioning/{configuration}/tokens/{token}/reveal",
            "/users/scim-provisioning/{configuration}/tokens/{token}/end",
            "/users/scim-provisioning/{configuration}/tokens/{token}/revoke",
            "/users/scim-provisioning/{configuration}/mappings/{resource}/activate",
            "/users/scim-provisioning/{configuration}/mappings/{resource}/rollback",
            "/users/scim-provisioning/{configuration}/mappings/user/reapply",
            "/users/scim-provisioning/{configuration}/policy",
            "/users/scim-provisioning/{configuration}/held/allow",
            "/users/scim-provisioning/{configuration}/links/approve",
            "/users/scim-provisioning/{configuration}/runs/{run}/undo",
            "/users/scim-provisioning/{configuration}/rehearsal/go-live",
            "/users/scim-provisioning/{configuration}/rehearsal/discard",
            "/users/tables/new",
            "/users/tables/{table}/edit",
            "/users/{person}/block",
            "/users/{person}/unblock",
            "/users/{person}/archive",
            "/users/{person}/convert",
            "/security/audit/export",
            "/settings/streams",
            "/settings/streams/{stream}/replay",
            "/settings/streams/{stream}/secret",
            "/settings/streams/{stream}/delete",
            "/settings/accounts",
            "/settings/accounts/{account}/role",
            "/settings/accounts/{account}/password",
            "/settings/accounts/{account}/bind",
            "/settings/accounts/{account}/unlock",
            "/settings/accounts/{account}/unbind",
            "/settings/accounts/{account}/delete",
            "/settings/api-keys",
            "/settings/api-keys/{key}/revoke",
        ]
    );
}

#[test]
fn what_needs_the_password_is_carried_out_with_it() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    house.tamper("UPDATE sessions SET confirmed_at = 0");
    let with = |password: &str| {
        let form = format!("name=Second&users=on&confirm_password={password}");
        house.post(&ada, "/users/scim-provisioning/new", &form)
    };
    let wrong = with("wrong");
    assert_eq!(wrong.status, 401);
    assert!(
        wrong.body.contains("value=\"Second\""),
        "nothing is entered twice"
    );
    assert!(!wrong.body.contains("value=\"wrong\""));
    assert_eq!(house.admin.configurations(None).unwrap().len(), 1);
    let made = with(&PASSWORD.replace(' ', "+"));
    let page = made.location.unwrap();
    assert!(page.contains("shown=first"), "{page}");
    assert_eq!(house.admin.configurations(None).unwrap().len(), 2);
    // The session goes on under another secret, and the token is shown as often as the page is
    // loaded, for a while.
    let cookies: Vec<&str> = made
        .cookies
        .iter()
        .filter_map(|cookie| cookie.split(';').next())
        .collect();
    let cookies = cookies.join("; ");
    let (path, query) = page
        .strip_prefix("/admin")
        .unwrap()
        .split_once('?')
        .unwrap();
    let look = |cookie: &str| {
        house.console.answer(&ConsoleRequest {
            method: "GET",
            path,
            query,
            cookie: Some(cookie),
            ..ConsoleRequest::default()
        })
    };
    for _ in 0..2 {
        assert!(look(&cookies).body.contains("sopscim_"));
    }
    assert_eq!(look(&ada).status, 303, "the old secret is out");
    let eve = house.account("eve", Role::Administrator);
    let flash = cookies
        .split("; ")
        .find(|one| one.contains("flash"))
        .unwrap();
    let stolen = look(&format!("{eve}; {flash}"));
    assert_eq!(stolen.status, 303, "a token is shown to nobody else");
}

#[test]
fn the_set_up_link_works_once() {
    let house = House::new();
    let secret = house.console.setup_secret().unwrap().unwrap();
    let body = format!(
        "secret={secret}&name=ada&password={}",
        PASSWORD.replace(' ', "+")
    );
    assert_eq!(
        house
            .ask("POST", "/setup", None, &body.replace(&secret, "x"))
            .status,
        404
    );
    let weak = body.replace(&PASSWORD.replace(' ', "+"), "short");
    assert_eq!(house.ask("POST", "/setup", None, &weak).status, 422);
    let done = house.ask("POST", "/setup", None, &body);
    assert_eq!(done.status, 303);
    for attribute in ["; Secure", "; HttpOnly", "; SameSite=Lax"] {
        let mut cookies = done.cookies.iter();
        assert!(
            cookies.all(|cookie| cookie.contains(attribute)),
            "{attribute}"
        );
    }
    assert_eq!(house.ask("POST", "/setup", None, &body).status, 404);
    assert_eq!(house.console.setup_secret().unwrap(), None);
}

#[test]
fn five_failed_sign_ins_make_an_account_wait() {
    let house = House::new();
    house.account("ada", Role::Administrator);
    let wrong = || house.ask("POST", "/login", None, "name=ada&password=wrong");
    for _ in 0..5 {
        let answer = wrong();
        assert_eq!(answer.status, 401);
    }
    let right = format!("name=Ada&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(house.ask("POST", "/login", None, &right).status, 429);
    let unknown = || {
        house
            .ask("POST", "/login", None, "name=bob&password=wrong")
            .status
    };
    let unknown: Vec<u16> = (0..6).map(|_| unknown()).collect();
    assert_eq!(unknown, [401, 401, 401, 401, 401, 429], "as of any name");
}

#[test]
fn a_session_ends_with_the_sign_out_and_with_a_new_password() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let list = || house.ask("GET", "/users", Some(&ada), "").status;
    assert_eq!(list(), 200);
    house
        .admin
        .set_password(&actor(), "ADA", "another five words entirely")
        .unwrap();
    assert_eq!(list(), 303);
    let otto = house.account("otto", Role::Auditor);
    let token = house.form_token(&otto);
    assert_eq!(
        house.ask("POST", "/logout", Some(&otto), &token).status,
        303
    );
    assert_eq!(house.ask("GET", "/users", Some(&otto), "").status, 303);
}

#[test]
fn nobody_is_sent_to_another_site() {
    let house = House::new();
    house.account("ada", Role::Administrator);
    for next in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/administrator",
        "/admin\\x",
    ] {
        let body = format!(
            "name=ada&password={}&next={next}",
            PASSWORD.replace(' ', "+")
        );
        let answer = house.ask("POST", "/login", None, &body);
        assert_eq!(answer.location.as_deref(), Some("/admin"), "{next}");
    }
}

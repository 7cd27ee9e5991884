//! A console that is reached below a path.

use scim_admin::account::Role;

use super::super::routes::ROUTES;
use super::super::{ConsoleAnswer, ConsoleRequest};
use super::house::{House, PASSWORD};

const BELOW: &str = "/ops/scim";

/// The names and values of attributes that begin with a slash.
fn addresses(page: &str) -> Vec<(&str, &str)> {
    let found = page.match_indices("=\"/");
    let read = found.map(|(at, _)| {
        let (before, behind) = page.split_at(at);
        let name = before.rsplit(char::is_whitespace).next().unwrap();
        (name, behind.split('"').nth(1).unwrap())
    });
    read.collect()
}

fn cookie(answer: &ConsoleAnswer, name: &str) -> String {
    let mut cookies = answer.cookies.iter();
    let found = cookies.find(|cookie| cookie.starts_with(name));
    found.unwrap().split(';').next().unwrap().to_owned()
}

#[test]
fn every_address_of_every_page_leads_below_the_path() {
    let house = House::below(BELOW);
    let ada = house.account("ada", Role::Administrator);
    let inside = ada.replace("__Host-sops=", "__Host-sops!ops!scim=");
    let mut count = 0;
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        let path = house.path(route.path);
        let page = house.ask("GET", &path, Some(&inside), "").body;
        assert!(!page.contains("'/admin"), "{path}");
        for (name, value) in addresses(&page) {
            count += 1;
            let carried = name == "value" && value.starts_with("/admin");
            let leads = value.starts_with("/ops/scim/admin");
            assert!(carried || leads, "{path}: {name}={value}");
        }
    }
    assert!(count > 1_000, "{count}");
}

#[test]
fn cookies_tell_two_consoles_of_one_host_apart_and_back_they_lead_inside() {
    let house = House::below(BELOW);
    house.account("ada", Role::Administrator);
    let body = format!(
        "name=ada&password={}&next=%2Fadmin%2Fusers",
        PASSWORD.replace(' ', "+")
    );
    let admitted = house.ask("POST", "/login", None, &body);
    // The layer around every request puts the path before it.
    assert_eq!(admitted.location.as_deref(), Some("/admin/users"));
    let session = cookie(&admitted, "__Host-sops!ops!scim=");
    assert!(
        admitted
            .cookies
            .iter()
            .all(|one| !one.contains("Path=/ops"))
    );
    let ask = |cookie: &str| house.ask("GET", "/users", Some(cookie), "").status;
    assert_eq!(ask(&session), 200);
    assert_eq!(ask(&format!("__Host-sops!other=x; {session}")), 200);
    assert_eq!(ask(&session.replace("!ops!scim", "")), 303);
    let inner = session.replace("!ops!scim", "");
    let form = format!("{}&theme=dark&next=%2Fadmin", house.form_token(&inner));
    let themed = house.console.answer(&ConsoleRequest {
        method: "POST",
        path: "/theme",
        body: form.as_bytes(),
        cookie: Some(&session),
        origin: Some("https://localhost"),
        ..ConsoleRequest::default()
    });
    let theme = &themed.cookies[0];
    assert!(theme.contains("; Path=/ops/scim/admin;"), "{theme}");
}

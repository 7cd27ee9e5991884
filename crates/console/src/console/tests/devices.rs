//! Signing in while others try to as well.

use scim_admin::account::Role;

use super::super::{ConsoleAnswer, ConsoleRequest};
use super::actions::done;
use super::house::{House, PASSWORD, actor};

/// Signs in from an address with what a browser keeps.
fn sign_in(house: &House, source: &str, cookie: &str, name: &str, password: &str) -> ConsoleAnswer {
    let body = format!("name={name}&password={}", password.replace(' ', "+"));
    house.console.answer(&ConsoleRequest {
        method: "POST",
        path: "/login",
        body: body.as_bytes(),
        cookie: Some(cookie),
        source: Some(source),
        ..ConsoleRequest::default()
    })
}

/// What the browser keeps of the device.
fn device(answer: &ConsoleAnswer) -> String {
    let mut cookies = answer.cookies.iter();
    let kept = cookies.find(|cookie| cookie.starts_with("__Host-sops-device="));
    kept.unwrap().split(';').next().unwrap().to_owned()
}

/// A house in which ada has signed in from a browser.
fn house() -> (House, String) {
    let house = House::new();
    house.account("ada", Role::Administrator);
    let answer = sign_in(&house, "192.0.2.1", "", "ada", PASSWORD);
    assert_eq!(answer.status, 303);
    let kept = device(&answer);
    (house, kept)
}

#[test]
fn what_strangers_do_keeps_a_known_device_from_nothing() {
    let (house, kept) = house();
    house.tamper("UPDATE accounts SET failures = 100, failed_at = 4102444800000");
    let stranger = sign_in(&house, "192.0.2.2", "", "ada", PASSWORD);
    assert_eq!(
        stranger.status, 429,
        "a hundred failures close it to strangers"
    );
    assert!(
        stranger.body.contains("account device-link"),
        "{}",
        stranger.body
    );
    let own = sign_in(&house, "192.0.2.2", &kept, "ada", PASSWORD);
    assert_eq!(own.status, 303);
    // That somebody came in from a known device does not open it to strangers.
    assert_eq!(
        sign_in(&house, "192.0.2.2", "", "ada", PASSWORD).status,
        429
    );
    // A colleague opens it again.
    let bob = house.account("bob", Role::Administrator);
    let settings = |who: &str| house.ask("GET", "/settings", Some(who), "").body;
    assert!(settings(&bob).contains("Unlock ada after 100 failed sign-ins"));
    let accounts = house.admin.accounts().unwrap();
    let id = &accounts
        .iter()
        .find(|account| account.name == "ada")
        .unwrap()
        .id;
    let unlocked = house.post(&bob, &format!("/settings/accounts/{id}/unlock"), "");
    assert_eq!(done(&unlocked), "unlocked");
    assert!(!settings(&bob).contains("Unlock ada"));
    assert_eq!(
        sign_in(&house, "192.0.2.2", "", "ada", PASSWORD).status,
        303
    );
}

#[test]
fn an_address_that_strangers_spoilt_lets_a_known_device_in() {
    let (house, kept) = house();
    for at in 0..31 {
        // Of many names, so that none of them waits.
        sign_in(&house, "192.0.2.9", "", &format!("n{at}"), "wrong");
    }
    let stranger = sign_in(&house, "192.0.2.9", "", "ada", PASSWORD);
    assert_eq!(stranger.status, 429);
    assert!(stranger.retry_after.is_some_and(|seconds| seconds > 1));
    assert_eq!(
        sign_in(&house, "192.0.2.9", &kept, "ada", PASSWORD).status,
        303
    );
    assert_eq!(
        sign_in(&house, "192.0.2.10", "", "ada", PASSWORD).status,
        303
    );
}

#[test]
fn a_device_is_one_account_s_and_ends_with_its_password_and_after_ten_failures() {
    let (house, kept) = house();
    house.account("otto", Role::Auditor);
    house.tamper("UPDATE accounts SET failures = 100, failed_at = 4102444800000");
    let close =
        |cookie: &str, name: &str| sign_in(&house, "192.0.2.3", cookie, name, PASSWORD).status;
    assert_eq!((close(&kept, "otto"), close(&kept, "ada")), (429, 303));
    let (id, tag) = kept.split_once('.').unwrap();
    for forged in [
        format!("{id}.{}", "0".repeat(tag.len())),
        format!("{id}1.{tag}"),
        id.to_owned(),
    ] {
        assert_eq!(close(&forged, "ada"), 429, "{forged}");
    }
    for at in 0..10 {
        let wrong = sign_in(&house, "192.0.2.3", &kept, "ada", "wrong");
        assert_eq!(wrong.status, 401, "{at}");
        house.tamper("UPDATE devices SET failed_at = 0");
    }
    assert_eq!(close(&kept, "ada"), 429, "it is a stranger's now");
    house.tamper("DELETE FROM devices");
    assert_eq!(close(&kept, "ada"), 303);
    house
        .admin
        .set_password(&actor(), "ada", "another five words entirely")
        .unwrap();
    house.tamper("UPDATE accounts SET failures = 100, failed_at = 4102444800000");
    let other = sign_in(
        &house,
        "192.0.2.3",
        &kept,
        "ada",
        "another five words entirely",
    );
    assert_eq!(other.status, 429, "it ended with the password");
}

#[test]
fn a_link_admits_one_new_device() {
    let (house, _) = house();
    house.tamper("UPDATE accounts SET failures = 100, failed_at = 4102444800000");
    let link = house.admin.device_link(&actor(), "Ada").unwrap();
    let secret = format!("secret={}", link.reveal());
    let ask = |method, body: &str| {
        house.console.answer(&ConsoleRequest {
            method,
            path: "/device",
            query: &secret,
            body: body.as_bytes(),
            ..ConsoleRequest::default()
        })
    };
    assert!(
        ask("GET", "").body.contains(link.reveal()),
        "a look uses nothing up"
    );
    let admitted = ask("POST", &secret);
    assert_eq!(admitted.location.as_deref(), Some("/admin/login"));
    let kept = device(&admitted);
    assert_eq!(
        sign_in(&house, "192.0.2.4", &kept, "ada", PASSWORD).status,
        303
    );
    assert_eq!(ask("POST", &secret).status, 404, "it is good once");
    let late = house.admin.device_link(&actor(), "ada").unwrap();
    house.tamper("UPDATE device_links SET expires_at = 1");
    assert_eq!(
        ask("POST", &format!("secret={}", late.reveal())).status,
        404
    );
    assert!(house.admin.device_link(&actor(), "nobody else").is_err());
}

#[test]
fn a_password_that_is_entered_again_goes_through_the_same_gate() {
    let (house, _) = house();
    let ada = house.account("eve", Role::Administrator);
    let form = format!(
        "{}&name=Second&users=on&confirm_password=wrong",
        house.form_token(&ada)
    );
    house.tamper("UPDATE sessions SET confirmed_at = 0");
    let again = || {
        house.console.answer(&ConsoleRequest {
            method: "POST",
            path: "/users/scim-provisioning/new",
            body: form.as_bytes(),
            cookie: Some(&ada),
            source: Some("192.0.2.9"),
            ..ConsoleRequest::default()
        })
    };
    for _ in 0..30 {
        again();
        house.tamper("UPDATE accounts SET failed_at = 0");
    }
    assert_eq!(again().status, 429);
    assert_eq!(
        sign_in(&house, "192.0.2.9", "", "ada", PASSWORD).status,
        429
    );
}

#[test]
fn a_form_comes_from_the_public_url_and_from_nowhere_else() {
    let (house, _) = house();
    let from = |origin, host, site| {
        let body = format!("name=ada&password={}", PASSWORD.replace(' ', "+"));
        let answer = house.console.answer(&ConsoleRequest {
            method: "POST",
            path: "/login",
            body: body.as_bytes(),
            origin,
            host,
            fetch_site: site,
            ..ConsoleRequest::default()
        });
        answer.status
    };
    let public = Some("https://localhost");
    // A proxy in front asks for another host than the browser did.
    assert_eq!(from(public, Some("backend:8443"), Some("same-origin")), 303);
    assert_eq!(from(public, None, None), 303);
    assert_eq!(
        from(Some("https://192.0.2.1:8443"), Some("192.0.2.1:8443"), None),
        303
    );
    for (origin, host, site) in [
        (Some("https://evil.example"), Some("localhost"), None),
        (
            Some("https://localhost.evil.example"),
            Some("localhost"),
            None,
        ),
        (Some("http://localhost"), Some("localhost"), None),
        (Some("null"), Some("localhost"), None),
        (Some("https://"), Some(""), None),
        (public, Some("localhost"), Some("cross-site")),
        (public, Some("localhost"), Some("same-site")),
    ] {
        assert_eq!(
            from(origin, host, site),
            403,
            "{origin:?} {host:?} {site:?}"
        );
    }
}

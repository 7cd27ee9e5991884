//! Nothing that somebody entered is lost.

use scim_admin::ConfigurationStatus;
use scim_admin::account::Role;
use scim_mapping::{CustomField, FieldKind};

use super::super::ConsoleRequest;
use super::super::markup::{self, escaped};
use super::super::signing_in::encoded;
use super::House;
use super::house::{PASSWORD, actor};

/// A form as it stands on a page, ready to be sent.
struct Opened {
    action: String,
    pairs: Vec<(String, String)>,
}

impl Opened {
    fn of(page: &str, own: &str) -> Self {
        let content = page.split("<main").nth(1).expect("a page has content");
        let mut forms = markup::forms(content, own).into_iter();
        let (action, form) = forms.find(|(_, form)| form.shared).expect("a shared form");
        let mut pairs = form.pairs();
        for name in ["form_token", "version", "base", "key", "was"] {
            pairs.extend(
                form.hidden(name)
                    .map(|value| (name.to_owned(), value.to_owned())),
            );
        }
        let action = action.trim_start_matches("/admin").to_owned();
        Self { action, pairs }
    }

    /// The form of a page that somebody opens.
    fn at(house: &House, cookie: &str, path: &str) -> Self {
        let path = house.path(path);
        let (place, query) = path.split_once('?').unwrap_or((&path, ""));
        let page = house.console.answer(&ConsoleRequest {
            method: "GET",
            path: place,
            query,
            cookie: Some(cookie),
            ..ConsoleRequest::default()
        });
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        Self::of(&page.body, &format!("/admin{place}"))
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.pairs.retain(|(known, _)| known != name);
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    fn body(&self) -> String {
        let pairs = self.pairs.iter();
        let pairs = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn send(&self, house: &House, cookie: &str) -> super::super::ConsoleAnswer {
        house.ask("POST", &self.action, Some(cookie), &self.body())
    }
}

/// The hidden fields of the page that shows what both changed, and what is chosen of it.
fn merged(page: &str, choice: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let form = page.split("data-fetch>").nth(1).expect("the form of both");
    for tag in form.split("<input type=\"hidden\" ").skip(1) {
        let part = |name: &str| {
            let rest = tag.split(&format!("{name}=\"")).nth(1).unwrap_or_default();
            markup::plain(rest.split('"').next().unwrap_or_default())
        };
        pairs.push((part("name"), part("value")));
    }
    for tag in form.split("name=\"pick:").skip(1) {
        let name = tag.split('"').next().unwrap_or_default();
        pairs.push((format!("pick:{name}"), choice.to_owned()));
    }
    pairs
}

/// Every form that two people may have open: where it is, a field of it, and another one.
const SHARED: [(&str, &str, &str, &str, &str); 5] = [
    (
        "/users/scim-provisioning/*/edit",
        "name",
        "Renamed",
        "description",
        "for somebody",
    ),
    (
        "/users/scim-provisioning/*/policy",
        "guard_count",
        "7",
        "guard_minutes",
        "90",
    ),
    (
        "/users/scim-provisioning/*/mappings/*/rules/*",
        "default",
        "nobody",
        "on_error",
        "reject",
    ),
    (
        "/users/scim-provisioning/*/groups/rules/*",
        "text",
        "Ops",
        "department",
        "IT",
    ),
    (
        "/users/user-form/edit?key=shoe",
        "label",
        "Boot size",
        "max",
        "20",
    ),
];

fn house() -> (House, String, String) {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let grace = house.account("grace", Role::Administrator);
    let field = CustomField {
        key: "shoe".to_owned(),
        label: "Shoe".to_owned(),
        kind: FieldKind::Text { max: 10 },
        required: false,
    };
    house.admin.add_custom_field(&actor(), &field).unwrap();
    let rule = house.post(
        &ada,
        "/users/scim-provisioning/*/groups/save-rule",
        &format!(
            "base={}&when=name&text=Sales&kind=technician_group&key=",
            Opened::at(&house, &ada, "/users/scim-provisioning/*/groups/new-rule")
                .pairs
                .iter()
                .find(|(name, _)| name == "base")
                .unwrap()
                .1
        ),
    );
    assert_eq!(rule.status, 303, "{}", rule.body);
    (house, ada, grace)
}

/// The path of a shared form; a group rule by the key that it was given.
fn place(house: &House, cookie: &str, path: &str) -> String {
    if !path.contains("groups/rules") {
        return path.to_owned();
    }
    let list = house.ask(
        "GET",
        &house.path("/users/scim-provisioning/*/groups"),
        Some(cookie),
        "",
    );
    let key = list.body.split("/groups/rules/").nth(1).unwrap();
    let key = key.split('"').next().unwrap();
    path.replace("rules/*", &format!("rules/{key}"))
}

fn value(house: &House, cookie: &str, path: &str, name: &str) -> String {
    let opened = Opened::at(house, cookie, path);
    markup::named(&opened.pairs, name)
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn of_two_who_change_the_same_thing_each_keeps_what_only_they_changed() {
    let (house, ada, grace) = house();
    for (path, one, first, other, second) in SHARED {
        let path = place(&house, &ada, path);
        let mine = Opened::at(&house, &ada, &path).with(other, second);
        let theirs = Opened::at(&house, &grace, &path).with(one, first);
        let before = value(&house, &ada, &path, other);
        assert_eq!(theirs.send(&house, &grace).status, 303, "{path}");
        // However often it is sent, a colleague's change stays, and nothing is saved unseen.
        for _ in 0..2 {
            let shown = mine.send(&house, &ada);
            assert_eq!(shown.status, 409, "{path}: {}", shown.body);
            for said in ["grace", first, second, "UTC"] {
                assert!(
                    shown.body.contains(&escaped(said)),
                    "{path}: {said}: {}",
                    shown.body
                );
            }
            assert_eq!(value(&house, &ada, &path, one), first, "{path}");
            assert_eq!(value(&house, &ada, &path, other), before, "{path}");
        }
        let shown = mine.send(&house, &ada);
        let both = Opened {
            action: mine.action.clone(),
            pairs: merged(&shown.body, "theirs"),
        };
        let both = both.with(
            "form_token",
            markup::named(&mine.pairs, "form_token").next().unwrap(),
        );
        let saved = both.send(&house, &ada);
        assert_eq!(saved.status, 303, "{path}: {}", saved.body);
        assert_eq!(value(&house, &ada, &path, one), first, "{path}");
        assert_eq!(value(&house, &ada, &path, other), second, "{path}");
    }
}

#[test]
fn what_both_changed_is_as_it_was_chosen() {
    let (house, ada, grace) = house();
    for (choice, now, wanted) in [("theirs", "2", "2"), ("yours", "3", "9")] {
        let path = "/users/scim-provisioning/*/policy";
        let mine = Opened::at(&house, &ada, path).with("guard_count", "9");
        let theirs = Opened::at(&house, &grace, path).with("guard_count", now);
        let theirs = theirs.send(&house, &grace);
        assert_eq!(theirs.status, 303, "{}", theirs.body);
        let shown = mine.send(&house, &ada);
        assert!(
            shown.body.contains("value=\"theirs\" checked"),
            "{}",
            shown.body
        );
        let both = Opened {
            action: mine.action.clone(),
            pairs: merged(&shown.body, choice),
        };
        assert_eq!(both.send(&house, &ada).status, 303);
        assert_eq!(value(&house, &ada, path, "guard_count"), wanted);
        // Who changed it once more meanwhile is asked once more.
        let again = both.send(&house, &ada);
        assert_eq!(again.status, if choice == "yours" { 409 } else { 303 });
    }
}

#[test]
fn a_change_elsewhere_is_no_conflict_and_an_error_does_not_hide_one() {
    let (house, ada, grace) = house();
    let path = "/users/scim-provisioning/*/policy";
    let mine = Opened::at(&house, &ada, path).with("guard_count", "9");
    let off = house.post(&grace, "/users/scim-provisioning/*/pause", "");
    assert_eq!(off.status, 303);
    assert_eq!(
        mine.send(&house, &ada).status,
        303,
        "the version moved, the form did not"
    );
    // What is wrong in it comes back about the state that was seen.
    let mine = Opened::at(&house, &ada, path).with("guard_count", "many");
    let refused = mine.send(&house, &ada);
    assert_eq!(refused.status, 422);
    let theirs = Opened::at(&house, &grace, path).with("guard_count", "3");
    assert_eq!(theirs.send(&house, &grace).status, 303);
    let own = format!("/admin{}", house.path(path));
    let again = Opened::of(&refused.body, &own).with("guard_count", "4");
    assert_eq!(again.send(&house, &ada).status, 409);
    assert_eq!(value(&house, &ada, path, "guard_count"), "3");
}

/// What the browser keeps of an answer.
fn kept(answer: &super::super::ConsoleAnswer) -> String {
    let cookies = answer
        .cookies
        .iter()
        .filter_map(|cookie| cookie.split(';').next());
    cookies
        .filter(|cookie| !cookie.ends_with('='))
        .collect::<Vec<_>>()
        .join("; ")
}

fn sign_in(house: &House, name: &str) -> String {
    let token = house
        .admin
        .sign_in(&scim_admin::Attempt {
            name,
            password: PASSWORD,
            ..scim_admin::Attempt::default()
        })
        .unwrap()
        .session;
    format!("__Host-sops={}", token.reveal())
}

#[test]
fn a_form_whose_session_ended_comes_back_filled_in() {
    let (house, ada, _) = house();
    for (path, name, value, ..) in SHARED {
        let ada = match house
            .admin
            .signed_in(ada.trim_start_matches("__Host-sops="), true)
        {
            Ok(Some(_)) => ada.clone(),
            _ => sign_in(&house, "ada"),
        };
        let path = place(&house, &ada, path);
        let opened = Opened::at(&house, &ada, &path).with(name, value);
        house.tamper("UPDATE sessions SET last_used_at = 0");
        let sent = opened.send(&house, &ada);
        assert_eq!(sent.status, 303, "{path}");
        let to = sent.location.clone().unwrap();
        assert!(
            to.starts_with("/admin/login?kept=1&next=%2Fadmin%2Fusers"),
            "{to}"
        );
        let cookie = kept(&sent);
        assert!(
            !cookie.contains("guard") && !cookie.contains("Renamed") && cookie.len() < 12_000,
            "it is sealed"
        );
        let asked = house.ask("GET", "/login", Some(&cookie), "");
        assert!(
            asked.body.contains("What you entered is kept"),
            "{}",
            asked.body
        );
        assert!(asked.cookies.is_empty(), "it waits for whoever signs in");
        // Nobody else gets it.
        let grace = format!("{}; {cookie}", sign_in(&house, "grace"));
        let full = house.path(&path);
        let (place, query) = full.split_once('?').unwrap_or((&full, ""));
        let look = |cookie: &str| {
            house.console.answer(&ConsoleRequest {
                method: "GET",
                path: place,
                query,
                cookie: Some(cookie),
                ..ConsoleRequest::default()
            })
        };
        let strange = look(&grace);
        assert!(
            !strange.body.contains("What you entered is here again"),
            "{path}"
        );
        assert!(
            strange
                .cookies
                .iter()
                .all(|cookie| cookie.contains("Max-Age=0")),
            "{path}"
        );
        let back = look(&format!("{}; {cookie}", sign_in(&house, "ada")));
        assert!(
            back.body.contains("What you entered is here again"),
            "{path}: {}",
            back.body
        );
        assert!(
            back.cookies
                .iter()
                .all(|cookie| cookie.contains("Max-Age=0")),
            "{path}"
        );
        let again = Opened::of(&back.body, &format!("/admin{place}"));
        assert_eq!(
            markup::named(&again.pairs, name).next(),
            Some(value),
            "{path}"
        );
    }
}

#[test]
fn a_form_of_nobody_is_not_kept_and_no_password_is() {
    let (house, ada, _) = house();
    let path = house.path("/users/scim-provisioning/*/policy");
    let own = house.form_token(&ada);
    house.tamper("DELETE FROM sessions");
    for body in ["guard_count=1", "form_token=x.y.z&guard_count=1"] {
        let sent = house.ask("POST", &path, Some(&ada), body);
        assert_eq!((sent.status, sent.cookies.len()), (303, 0), "{body}");
    }
    // A mapping says much again and again, and is kept; noise is not, and whoever entered it is told.
    let rules = "{\"key\": \"user_name\", \"source\": \"userName\"},".repeat(2_000);
    let import = house.path("/users/scim-provisioning/*/mappings/user/import");
    let entered = format!("{own}&document={}", encoded(&rules));
    assert!(entered.len() > 64 * 1024);
    let sent = house.ask("POST", &import, None, &entered);
    let kept_of_it: usize = sent.cookies.iter().map(String::len).sum();
    assert!((1..8 * 1024).contains(&kept_of_it), "{kept_of_it}");
    let again = format!("{}; {}", sign_in(&house, "ada"), kept(&sent));
    let page = import.trim_end_matches("/import");
    let back = house.ask("GET", page, Some(&again), "");
    assert!(back.body.contains(&escaped(&rules)), "{}", back.body);
    let noise: String = (0..4_000)
        .map(|_| uuid::Uuid::new_v4().to_string())
        .collect();
    let sent = house.ask("POST", &import, None, &format!("{own}&document={noise}"));
    assert!(sent.cookies.is_empty());
    let to = sent.location.unwrap();
    assert!(to.starts_with("/admin/login?lost=1&next="), "{to}");
    let query = to.split('?').nth(1).unwrap();
    let asked = house.console.answer(&ConsoleRequest {
        method: "GET",
        path: "/login",
        query,
        ..ConsoleRequest::default()
    });
    assert!(asked.body.contains("too long to be kept"), "{}", asked.body);
    // Nor is one that no form may be as long as, which is not read at all.
    let noise = "x".repeat(300 * 1024);
    let sent = house.ask("POST", &import, None, &format!("{own}&document={noise}"));
    assert!(sent.cookies.is_empty());
    assert_eq!((sent.status, sent.location), (303, Some(to)));
    // What may be done with a form that is kept, its session does not say.
    let body = format!("{own}&name=eve&role=auditor&password=a+secret+of+hers");
    let sent = house.ask("POST", "/settings/accounts", None, &body);
    assert!(!sent.cookies.is_empty());
    let ada = format!("{}; {}", sign_in(&house, "ada"), kept(&sent));
    let back = house.ask("GET", "/settings", Some(&ada), "");
    assert!(back.body.contains("value=\"eve\""), "{}", back.body);
    assert!(!back.body.contains("a secret of hers"));
    assert_eq!(house.admin.accounts().unwrap().len(), 2);
}

#[test]
fn a_form_that_is_older_than_the_session_is_shown_and_not_carried_out() {
    let (house, ada, grace) = house();
    let path = "/users/scim-provisioning/*/policy";
    let opened = Opened::at(&house, &ada, path).with("guard_count", "11");
    let fresh = sign_in(&house, "ada");
    let shown = opened.send(&house, &fresh);
    assert_eq!(shown.status, 403);
    assert!(shown.body.contains("You signed in again"), "{}", shown.body);
    let again = Opened::of(&shown.body, &format!("/admin{}", house.path(path)));
    assert_eq!(
        markup::named(&again.pairs, "guard_count").next(),
        Some("11")
    );
    assert_ne!(value(&house, &fresh, path, "guard_count"), "11");
    assert_eq!(again.send(&house, &fresh).status, 303);
    assert_eq!(value(&house, &fresh, path, "guard_count"), "11");
    // Of another account it is not even shown.
    let of_another = opened.send(&house, &grace);
    assert!(!of_another.body.contains("You signed in again"));
}

#[test]
fn a_toggle_of_the_list_is_taken_back_where_it_was_pressed() {
    let (house, ada, _) = house();
    let list = "/admin/users/scim-provisioning?q=Azure&rows=10&page=1";
    let status = || {
        house
            .admin
            .configuration(house.configuration)
            .unwrap()
            .status
    };
    let body = format!("list={}", encoded(list));
    let off = house.post(&ada, "/users/scim-provisioning/*/disable", &body);
    let to = off.location.unwrap();
    let id = house.configuration;
    let wanted = format!("{list}&done=disabled&done_to={id}&done_from=enabled#row-{id}");
    assert_eq!(
        (to.as_str(), status()),
        (wanted.as_str(), ConfigurationStatus::Disabled)
    );
    let query = to.split(['?', '#']).nth(1).unwrap();
    let look = || {
        house.console.answer(&ConsoleRequest {
            method: "GET",
            path: "/users/scim-provisioning",
            query,
            cookie: Some(&ada),
            ..ConsoleRequest::default()
        })
    };
    let shown = look().body;
    assert!(shown.contains(&format!(
        "action=\"{}/{id}/enable\"",
        "/admin/users/scim-provisioning"
    )));
    assert!(shown.contains(">Undo</button>") && shown.contains("nothing is provisioned until"));
    assert!(!shown.contains("done_to=") && shown.contains(&format!("id=\"row-{id}\"")));
    house.post(&ada, "/users/scim-provisioning/*/enable", &body);
    assert_eq!(status(), ConfigurationStatus::Enabled);
    assert!(
        !look().body.contains(">Undo</button>"),
        "it was taken back already"
    );
    // Nobody is led elsewhere.
    let out = house.post(
        &ada,
        "/users/scim-provisioning/*/disable",
        "list=https://evil.example",
    );
    assert!(
        out.location
            .unwrap()
            .starts_with("/admin/users/scim-provisioning/")
    );
}

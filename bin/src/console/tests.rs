//! Every page, for everybody.

use std::sync::Arc;

use scim_admin::account::Role;
use scim_admin::{Actor, AdminService, ConfigurationInput, KeyRing};
use scim_persistence::{Database, Settings};

use super::routes::{Access, ROUTES};
use super::*;

struct House {
    console: Console,
    admin: AdminService,
    configuration: String,
    token: String,
    _folder: tempfile::TempDir,
}

const PASSWORD: &str = "four random words suffice";

fn actor() -> Actor {
    Actor {
        name: "test".to_owned(),
        source: None,
    }
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&Settings {
            url: format!("sqlite:{}", folder.path().join("test.db").display()),
            base_url: "https://localhost/api/scim/v2".to_owned(),
            connections: 2,
        });
        let keys = Arc::new(KeyRing::open(&folder.path().join("keys.json")).unwrap());
        let store: Arc<dyn scim_admin::Store> = database.unwrap();
        let admin = || AdminService::new(Arc::clone(&store), Arc::clone(&keys));
        let console = Console::new(admin(), "https://localhost/api/scim/v2");
        let input = ConfigurationInput {
            name: "<b>Azure</b>".to_owned(),
            description: "\u{202e}'\"&".to_owned(),
            users: true,
            groups: true,
            identity_provider: scim_admin::IdentityProvider::Entra,
            profile: scim_protocol::Profile::Tolerant,
            policies: scim_provisioning::Policies::default(),
        };
        let (added, issued) = admin().add_configuration(&actor(), &input).unwrap();
        Self {
            console,
            admin: admin(),
            configuration: added.id.to_string(),
            token: issued.token.id,
            _folder: folder,
        }
    }

    fn account(&self, name: &str, role: Role) -> String {
        self.admin
            .add_account(&actor(), name, role, PASSWORD)
            .unwrap();
        let token = self.admin.sign_in(None, name, PASSWORD).unwrap();
        format!("__Host-sops={}", token.reveal())
    }

    fn path(&self, pattern: &str) -> String {
        let tokens = pattern.replacen("tokens/*", &format!("tokens/{}", self.token), 1);
        tokens.replacen('*', &self.configuration, 1)
    }

    fn ask(&self, method: &str, path: &str, cookie: Option<&str>, body: &str) -> ConsoleAnswer {
        self.console.answer(&ConsoleRequest {
            method,
            path,
            body: body.as_bytes(),
            cookie,
            ..ConsoleRequest::default()
        })
    }

    fn form_token(&self, cookie: &str) -> String {
        let session = cookie.strip_prefix("__Host-sops=").unwrap();
        let signed_in = self.admin.signed_in(session).unwrap().unwrap();
        format!("form_token={}", self.admin.form_token(&signed_in))
    }
}

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
            (Access::Auditor, false) => [200, 303, 404].contains(&seen),
            _ => seen == 403,
        };
        assert!(wanted, "{said}: {seen}");
        let seen = ask(Some(&administrator)).status;
        let wanted = match writes {
            true => seen == 403,
            false => [200, 303, 404].contains(&seen),
        };
        assert!(wanted, "{said}: {seen}");
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
        house
            .admin
            .configuration(&house.configuration)
            .unwrap()
            .enabled
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
fn text_of_people_is_text() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let page = house
        .ask("GET", "/users/scim-provisioning", Some(&ada), "")
        .body;
    assert!(!page.contains("<b>Azure"), "{page}");
    assert!(page.contains("&#60;b&#62;Azure"), "{page}");
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
    assert!(
        done.cookie
            .unwrap()
            .contains("; Secure; HttpOnly; SameSite=Lax")
    );
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
        assert_eq!((answer.status, answer.failed), (401, true));
    }
    let right = format!("name=Ada&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(house.ask("POST", "/login", None, &right).status, 429);
    let unknown = house.ask("POST", "/login", None, "name=nobody&password=wrong");
    assert_eq!(unknown.status, 401);
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

//! Whoever presses a button is told what others did after its page was made.

use scim_admin::account::Role;
use scim_admin::{ConfigurationStatus, VersionChoice};
use scim_mapping::{CustomField, FieldKind, ResourceKind};

use super::super::ConsoleAnswer;
use super::super::markup::{escaped, plain};
use super::super::signing_in::encoded;
use super::House;
use super::house::actor;

/// A form of a page, as a browser sends it when its button is pressed.
#[derive(Clone)]
struct Pressed {
    action: String,
    pairs: Vec<(String, String)>,
}

impl Pressed {
    /// The form of a page that is posted to an address ending so, and holds a text.
    fn at(page: &str, end: &str, holds: &str) -> Option<Self> {
        let forms = page.split("<form method=\"post\"").skip(1);
        let found = forms
            .filter_map(|rest| rest.split("</form>").next())
            .map(|form| {
                let action = form.split("action=\"").nth(1).unwrap_or_default();
                (action.split('"').next().unwrap_or_default(), form)
            })
            .find(|(action, form)| action.ends_with(end) && form.contains(holds));
        let (action, form) = found?;
        let mut pairs = Vec::new();
        for tag in form.split("<input type=\"hidden\" ").skip(1) {
            let part = |name: &str| {
                let rest = tag.split(&format!("{name}=\"")).nth(1).unwrap_or_default();
                plain(rest.split('"').next().unwrap_or_default())
            };
            pairs.push((part("name"), part("value")));
        }
        Some(Self {
            action: action.trim_start_matches("/admin").to_owned(),
            pairs,
        })
    }

    /// The same on a page that somebody opens.
    fn on(house: &House, cookie: &str, path: &str, end: &str, holds: &str) -> Self {
        let page = house.ask("GET", &house.path(path), Some(cookie), "");
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        let found = Self::at(&page.body, end, holds).expect("the form is on the page");
        assert!(
            found
                .pairs
                .iter()
                .any(|(name, value)| name == "seen" && value != "0"),
            "{path} {end}: {:?}",
            found.pairs
        );
        found
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    fn send(&self, house: &House, cookie: &str) -> ConsoleAnswer {
        let pairs = self.pairs.iter();
        let pairs = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        house.ask("POST", &self.action, Some(cookie), &body)
    }
}

/// Checks that a button is not carried out, and that its answer tells all of this.
fn told(answer: &ConsoleAnswer, said: &[&str]) {
    assert_eq!(answer.status, 409, "{}", answer.body);
    for text in said {
        assert!(
            answer.body.contains(&escaped(text)),
            "{text} is not told: {}",
            answer.body
        );
    }
}

/// Presses the button of such an answer.
fn all_the_same(house: &House, cookie: &str, answer: &ConsoleAnswer) -> ConsoleAnswer {
    let content = answer.body.split("<main").nth(1).expect("a page");
    let again = Pressed::at(content, "", "").expect("a button");
    again.send(house, cookie)
}

fn nothing_left(answer: &ConsoleAnswer, said: &[&str]) {
    told(answer, said);
    assert!(answer.body.contains("There is nothing left to do"));
    let content = answer.body.split("<main").nth(1).expect("a page");
    assert!(Pressed::at(content, "", "").is_none(), "{content}");
}

const MAPPING: &str = "/users/scim-provisioning/*/mappings/user";

fn both() -> (House, String, String) {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let grace = house.account("grace", Role::Administrator);
    (house, ada, grace)
}

/// The keys of the rules that an edit begins with.
fn keys(house: &House) -> Vec<String> {
    let of = |choice| {
        let found = house
            .admin
            .mapping(house.configuration, ResourceKind::User, choice);
        found.map(|version| version.rules.rules)
    };
    let rules = of(VersionChoice::Draft).or_else(|_none| of(VersionChoice::Active));
    rules.unwrap().into_iter().map(|rule| rule.key).collect()
}

/// What an export says with another default of a rule.
fn document(house: &House, cookie: &str, key: &str, default: &str) -> String {
    let path = house.path(&format!("{MAPPING}/export"));
    let export = house.ask("GET", &path, Some(cookie), "").body;
    let mut set: serde_json::Value = serde_json::from_str(&export).unwrap();
    for rule in set["rules"].as_array_mut().unwrap() {
        if rule["key"] == key {
            rule["default"] = default.into();
        }
    }
    set.to_string()
}

fn import(house: &House, cookie: &str, document: &str) {
    let form = Pressed::on(house, cookie, MAPPING, "/import", "");
    let done = form.with("document", document).send(house, cookie);
    assert_eq!(done.status, 303, "{}", done.body);
}

#[test]
fn a_rule_is_deleted_beside_changes_of_others_and_shown_when_it_was_changed() {
    let (house, ada, grace) = both();
    let [first, second] = ["user_name", "first_name"];
    assert!(keys(&house).iter().any(|key| key == second));
    // One form for all rules; the button of each has its key.
    let of = |cookie: &str, key: &str| {
        let mut pressed = Pressed::on(&house, cookie, MAPPING, "/delete-rule", "");
        pressed.pairs.push(("key".to_owned(), key.to_owned()));
        pressed
    };
    let delete = |key: &str| of(&ada, key);
    // Others changed another rule.
    let (mine, other) = (delete(second), delete(first));
    import(&house, &grace, &document(&house, &grace, first, "nobody"));
    assert_eq!(mine.send(&house, &ada).status, 303);
    assert!(!keys(&house).iter().any(|key| key == second));
    assert!(keys(&house).iter().any(|key| key == first));
    // They changed this one, however often it is sent.
    for _ in 0..2 {
        told(
            &other.send(&house, &ada),
            &["grace", "user_name › default", "nobody", "Delete the rule"],
        );
        assert!(keys(&house).iter().any(|key| key == first));
    }
    let shown = other.send(&house, &ada);
    assert_eq!(
        all_the_same(&house, &ada, &shown).status,
        422,
        "it is needed"
    );
    // It is gone.
    let mine = delete("last_name");
    let theirs = of(&grace, "last_name");
    assert_eq!(theirs.send(&house, &grace).status, 303);
    nothing_left(&mine.send(&house, &ada), &["grace", "last_name"]);
}

#[test]
fn a_rule_is_moved_beside_changes_of_others_and_shown_when_the_order_changed() {
    let (house, ada, grace) = both();
    let move_down = |cookie: &str, key: &str| {
        let holds = format!("value=\"{key}\"");
        Pressed::on(&house, cookie, MAPPING, "/reorder", &holds).with("direction", "down")
    };
    let (mine, again) = (move_down(&ada, "user_name"), move_down(&ada, "user_name"));
    import(&house, &grace, &document(&house, &grace, "last_name", "X"));
    assert_eq!(mine.send(&house, &ada).status, 303);
    assert_eq!(keys(&house)[1], "user_name");
    told(&again.send(&house, &ada), &["ada", "position"]);
    let done = all_the_same(&house, &ada, &again.send(&house, &ada));
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(keys(&house)[2], "user_name");
}

#[test]
fn a_draft_is_discarded_activated_and_replaced_as_it_was_seen_alone() {
    for (end, word) in [
        ("/discard", "Discard the draft"),
        ("/activate", "Activate the draft"),
        ("/restore-defaults", "Make the default rules the draft"),
    ] {
        let (house, ada, grace) = both();
        import(&house, &ada, &document(&house, &ada, "user_name", "a"));
        let mine = Pressed::on(&house, &ada, MAPPING, end, "");
        import(&house, &grace, &document(&house, &grace, "last_name", "b"));
        let shown = mine.send(&house, &ada);
        told(&shown, &["grace", "last_name › default", "b", word]);
        assert!(!shown.body.contains("user_name › default"), "that was seen");
        let done = all_the_same(&house, &ada, &shown);
        assert_eq!(done.status, 303, "{end}: {}", done.body);
        let mut draft = Pressed::on(&house, &ada, MAPPING, "/import", "");
        draft.pairs.retain(|(name, _)| name != "base");
        if end == "/activate" {
            // Its page is as old as the draft.
            nothing_left(&mine.send(&house, &ada), &["ada", "version"]);
        }
    }
}

#[test]
fn an_import_is_shown_beside_what_was_there_and_what_is_there() {
    let (house, ada, grace) = both();
    let mine = Pressed::on(&house, &ada, MAPPING, "/import", "");
    let mut set: serde_json::Value =
        serde_json::from_str(&document(&house, &ada, "user_name", "mine")).unwrap();
    let rules = set["rules"].as_array_mut().unwrap();
    rules.retain(|rule| rule["key"] != "time_zone");
    rules.swap(1, 2);
    let mine = mine.with("document", &set.to_string());
    import(
        &house,
        &grace,
        &document(&house, &grace, "user_name", "theirs"),
    );
    let shown = mine.send(&house, &ada);
    told(
        &shown,
        &["grace", "theirs", "mine", "Import mine in its place"],
    );
    assert!(shown.body.contains(">order</th>"), "{}", shown.body);
    let row = shown.body.split("<th scope=\"row\"").nth(3).unwrap();
    let row: Vec<&str> = row.split("<td").collect();
    assert!(row[0].contains("user_name › default"), "{row:?}");
    for (at, said) in [(1, "–"), (2, "theirs"), (3, "mine")] {
        assert!(row[at].contains(said), "{row:?}");
    }
    // A rule that is not among mine stands in one row.
    let rows = shown.body.matches("<th scope=\"row\"").count();
    assert_eq!(rows, 3, "{}", shown.body);
    assert!(shown.body.contains(">time_zone</th>"), "{}", shown.body);
    let mut rest = keys(&house);
    let done = all_the_same(&house, &ada, &shown);
    assert_eq!(done.status, 303, "{}", done.body);
    rest.retain(|key| key != "time_zone");
    rest.swap(1, 2);
    assert_eq!(keys(&house), rest);
    let export = house.ask(
        "GET",
        &house.path(&format!("{MAPPING}/export")),
        Some(&ada),
        "",
    );
    assert!(export.body.contains("mine") && !export.body.contains("theirs"));
    // What cannot be read is told, and not lost.
    let wrong = Pressed::on(&house, &ada, MAPPING, "/import", "").with("document", "{\"rules\": 1");
    import(&house, &grace, &document(&house, &grace, "user_name", "x"));
    let refused = wrong.send(&house, &ada);
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("{&#34;rules&#34;: 1") || refused.body.contains("{&quot;rules"));
}

#[test]
fn what_others_did_to_an_account_is_shown_before_it_is_changed() {
    let (house, ada, grace) = both();
    house.account("otto", Role::Auditor);
    let otto = || {
        let accounts = house.admin.accounts().unwrap();
        accounts.into_iter().find(|account| account.name == "otto")
    };
    let id = otto().unwrap().id;
    let press = |cookie: &str, end: &str| {
        let end = format!("{id}/{end}");
        Pressed::on(&house, cookie, "/settings", &end, "")
    };
    let (mine, delete) = (press(&ada, "role"), press(&ada, "delete"));
    assert_eq!(press(&grace, "role").send(&house, &grace).status, 303);
    nothing_left(
        &mine.send(&house, &ada),
        &["grace", "auditor", "administrator"],
    );
    let shown = delete.send(&house, &ada);
    told(
        &shown,
        &["grace", "auditor", "administrator", "Delete the account"],
    );
    assert!(otto().is_some());
    // Another account was changed: nobody is asked.
    let down = press(&ada, "role");
    house.account("eve", Role::Auditor);
    assert_eq!(down.send(&house, &ada).status, 303);
    let mine = press(&ada, "delete");
    assert_eq!(press(&grace, "delete").send(&house, &grace).status, 303);
    nothing_left(&mine.send(&house, &ada), &["grace", "otto"]);
}

#[test]
fn what_others_did_to_a_configuration_is_shown_before_it_is_deleted_or_switched() {
    let (house, ada, grace) = both();
    let path = "/users/scim-provisioning/*";
    let page = house.ask(
        "GET",
        &house.path(&format!("{path}/delete")),
        Some(&ada),
        "",
    );
    let seen = page.body.split("name=\"seen\" value=\"").nth(1).unwrap();
    let seen = seen.split('"').next().unwrap();
    let pause = Pressed::on(&house, &ada, path, "/pause", "");
    let off = Pressed::on(&house, &grace, path, "/disable", "");
    assert_eq!(off.send(&house, &grace).status, 303);
    assert_eq!(off.send(&house, &grace).status, 303, "it is so already");
    told(
        &pause.send(&house, &ada),
        &["grace", "enabled", "disabled", "Pause"],
    );
    let status = || {
        house
            .admin
            .configuration(house.configuration)
            .unwrap()
            .status
    };
    assert_eq!(status(), ConfigurationStatus::Disabled);
    let name = encoded("<b>Azure</b>");
    let delete = house.post(
        &ada,
        &format!("{path}/delete"),
        &format!("seen={seen}&name={name}"),
    );
    told(&delete, &["grace", "disabled", "Delete the configuration"]);
    let done = all_the_same(&house, &ada, &delete);
    assert_eq!(
        done.location.as_deref(),
        Some("/admin/users/scim-provisioning?done=deleted")
    );
}

#[test]
fn what_others_did_to_a_field_or_a_token_is_shown_before_it_goes() {
    let (house, ada, grace) = both();
    let field = CustomField {
        key: "shoe".to_owned(),
        label: "Shoe".to_owned(),
        kind: FieldKind::Text { max: 10 },
        required: false,
    };
    house.admin.add_custom_field(&actor(), &field).unwrap();
    let mine = Pressed::on(&house, &ada, "/users/user-form", "/delete", "");
    let longer = CustomField {
        kind: FieldKind::Text { max: 77 },
        ..field
    };
    house.admin.edit_custom_field(&actor(), &longer).unwrap();
    told(&mine.send(&house, &ada), &["test", "max", "10", "77"]);
    assert_eq!(house.admin.custom_fields().unwrap().len(), 1);
    let path = "/users/scim-provisioning/*/tokens";
    let end = format!("{}/revoke", house.token);
    let mine = Pressed::on(&house, &ada, path, &end, "");
    let theirs = Pressed::on(&house, &grace, path, &end, "");
    assert_eq!(theirs.send(&house, &grace).status, 303);
    nothing_left(&mine.send(&house, &ada), &["grace", "token revoked"]);
}

#[test]
fn what_others_did_to_a_stream_is_shown_before_it_goes() {
    let (house, ada, grace) = both();
    let path = "/settings/streams/*";
    let delete = Pressed::on(&house, &ada, path, "/delete", "");
    let pause = Pressed::on(&house, &ada, path, "/pause", "");
    let theirs = Pressed::on(&house, &grace, path, "/pause", "");
    assert_eq!(theirs.send(&house, &grace).status, 303);
    nothing_left(&pause.send(&house, &ada), &["grace", "stream paused"]);
    let shown = delete.send(&house, &ada);
    told(&shown, &["grace", "Delete the stream"]);
    assert_eq!(all_the_same(&house, &ada, &shown).status, 303);
    assert_eq!(house.admin.streams().unwrap(), []);
}

#[test]
fn a_change_is_found_behind_any_number_of_others() {
    let house = House::new();
    let ada = house.account("ada", Role::Administrator);
    let path = house.path("/users/scim-provisioning/*/tokens");
    let end = format!("{}/revoke", house.token);
    let pressed = || Pressed::on(&house, &ada, &path, &end, "");
    let mine = pressed();
    let soon = chrono::Utc::now() + chrono::Duration::days(3);
    let id = house.configuration;
    house
        .admin
        .set_token_end(&actor(), id, &house.token, soon)
        .unwrap();
    let others = |count: usize| {
        house.tamper(&format!(
            "WITH RECURSIVE some (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM some WHERE n < {count}) \
             INSERT INTO audit_events (at, actor, event, object, details, configuration_id) \
             SELECT 1, 'grace', 'token.endSet', 'x', '{{\"token\": \"other\"}}', '{id}' FROM some"
        ));
    };
    others(150);
    let shown = mine.send(&house, &ada);
    told(&shown, &["test", "Revoke the token"]);
    // Behind more than is looked through it is asked, whether or not there is one.
    let mine = pressed();
    others(1_000);
    let shown = mine.send(&house, &ada);
    told(&shown, &["So much was changed", "Revoke the token"]);
    let done = all_the_same(&house, &ada, &shown);
    assert_eq!(done.status, 303, "{}", done.body);
}

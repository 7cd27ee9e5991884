//! The key ring, which is looked at here and changed on the command line.

use scim_admin::account::Role;

use super::house::{House, actor};

#[test]
fn each_key_says_what_needs_it_and_when_it_may_go() {
    let house = House::new();
    let otto = house.account("otto", Role::Auditor);
    let page = || house.ask("GET", "/settings/keys", Some(&otto), "").body;
    let first = house.admin.keys().unwrap()[0].id.clone();
    let shown = page();
    assert!(
        shown.contains(&first) && shown.contains("1 key;"),
        "{shown}"
    );
    assert!(shown.contains("1 live token that it signed"), "{shown}");
    assert!(
        shown.contains("<code>serviceops-scim keys rotate</code></td>"),
        "{shown}"
    );
    house.admin.rotate_keys(&actor()).unwrap();
    let shown = page();
    assert!(shown.contains("2 keys;"), "{shown}");
    assert!(
        shown.contains("When the tokens end that it signed, the last at "),
        "{shown}"
    );
    // A token that is revoked needs no key, and a secret of a webhook is sealed anew.
    house
        .admin
        .revoke_tokens(&actor(), house.configuration, None)
        .unwrap();
    assert!(page().contains("<code>serviceops-scim keys reseal</code></td>"));
    house.admin.reseal(&actor()).unwrap();
    let retire = format!("<code>serviceops-scim keys retire {first}</code></td>");
    assert!(page().contains(&retire), "{}", page());
    house.admin.retire_key(&actor(), &first).unwrap();
    assert!(!page().contains(&retire), "{}", page());
    let ring = std::fs::read_to_string(house.ring()).unwrap();
    let ring: serde_json::Value = serde_json::from_str(&ring).unwrap();
    let mut secrets = 0;
    texts(&ring, &mut |text| {
        if text.len() > 40 {
            secrets += 1;
            assert!(!page().contains(text), "a secret is shown");
        }
    });
    assert!(secrets > 0);
}

fn texts(value: &serde_json::Value, look: &mut impl FnMut(&str)) {
    match value {
        serde_json::Value::String(text) => look(text),
        serde_json::Value::Array(items) => items.iter().for_each(|one| texts(one, look)),
        serde_json::Value::Object(members) => members.values().for_each(|one| texts(one, look)),
        _ => {}
    }
}

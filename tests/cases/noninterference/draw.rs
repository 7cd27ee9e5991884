//! What is drawn from a seed: numbers, words, users.

use end_to_end::uri;
use serde_json::{Value, json};

/// Numbers from a seed (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % end.max(1) as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn of<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    pub(crate) fn word(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }
}

pub(crate) const WORDS: [&str; 8] = [
    "Sales", "Ava", "Ops", "hidden", "Ümit", "IT", "stirred", "a_b%",
];
pub(crate) const GROUP_NAMES: [&str; 8] = [
    "Ops", "Sales", "IT", "All", "VPN", "Admins", "Füße", "Night",
];

/// A user of random attributes; `at` makes what is unique.
pub(crate) fn user(random: &mut Random, at: usize) -> Value {
    let mut user = json!({
        "schemas": [uri::USER, uri::ENTERPRISE],
        "userName": format!("u{at}{}", ["", "@x.example", "@X.Example"][random.below(3)]),
        "displayName": random.word(&WORDS),
        "name": {"givenName": random.word(&WORDS), "familyName": random.word(&WORDS)},
    });
    if random.one_in(2) {
        user["externalId"] = json!(format!("x{}", random.below(60)));
    }
    if !random.one_in(3) {
        user["emails"] = json!([{"value": format!("p{at}@x.example"), "type": "work"},
            {"value": format!("P{}@home.example", random.below(40)), "type": "home"}]);
    }
    if random.one_in(2) {
        user["title"] = json!(random.word(&WORDS));
    }
    if random.one_in(4) {
        user["active"] = json!(!random.one_in(4));
    }
    if random.one_in(4) {
        user["phoneNumbers"] =
            json!([{"value": format!("+49 {}", random.below(30)), "type": "work"}]);
    }
    user
}

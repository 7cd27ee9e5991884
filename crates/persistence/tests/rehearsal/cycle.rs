//! Whole cycles of very many people: the first one, and one that finds them there.

use scim_provisioning::policy::Deletion;
use scim_provisioning::{Method, ServiceProvider};
use serde_json::{Value, json};

use super::common::Engine;
use super::house::*;
use super::random::Twin;

/// Two directories of which one runs live what the other rehearses.
struct Pair {
    live: Twin,
    rehearsed: Twin,
}

impl Pair {
    /// Asks both, which answer alike; the id of what was made.
    fn ask(&self, rehearses: &ServiceProvider, method: Method, path: &str, body: Value) -> String {
        let request = (method, path.to_owned(), body);
        let told = self.live.ask(&self.live.house.provider, &request);
        let same = self.rehearsed.ask(rehearses, &request);
        let id = |answer: &Option<Value>| {
            let id = answer.as_ref().and_then(|body| body["id"].as_str());
            id.unwrap_or_default().to_owned()
        };
        assert_eq!(id(&told), id(&same), "{request:?}");
        id(&told)
    }

    /// A cycle that is rehearsed on one side, and goes live there.
    fn cycle(&self, requests: impl FnOnce(&ServiceProvider)) {
        let house = &self.rehearsed.house;
        let before = dump(house);
        let (_, provider) = rehearse(house);
        requests(&provider);
        // Who leaves does so at once; nothing else is done to those who were there.
        let moved = differences(&before, &dump(house));
        let touched = moved.lines().filter(|line| line.starts_with("group"));
        assert_eq!(touched.count(), 0, "{moved}");
        go_live(house, false);
        assert_eq!(differences(&self.live.dump(), &self.rehearsed.dump()), "");
    }
}

/// The promise at size: `SERVICEOPS_SCIM_TEST_CYCLE` says how many people there are.
pub(super) fn a_whole_cycle_goes_live_as_it_runs_live(engine: &Engine) {
    let many = std::env::var("SERVICEOPS_SCIM_TEST_CYCLE");
    let many: usize = many.map_or(120, |text| text.parse().unwrap());
    let new = || {
        let mut twin = Twin::new(engine, Deletion::Archive);
        with_policies(&mut twin.house, |policies| policies.guard.count = 0);
        twin
    };
    let pair = Pair {
        live: new(),
        rehearsed: new(),
    };
    let mut users = Vec::new();
    let mut groups = Vec::new();
    pair.cycle(|provider| {
        for number in 0..many {
            let mut body = user(&format!("p{number}"));
            body["title"] = json!(format!("T{}", number % 7));
            users.push(pair.ask(provider, Method::Post, "/Users", body));
        }
        for (number, members) in users.chunks(40).enumerate() {
            let body = group(&format!("g{number}"), &[]);
            let made = pair.ask(provider, Method::Post, "/Groups", body);
            let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
            let add = json!([{"op": "add", "path": "members", "value": members}]);
            pair.ask(
                provider,
                Method::Patch,
                &format!("/Groups/{made}"),
                patch(&add),
            );
            groups.push(made);
        }
    });
    pair.cycle(|provider| {
        for (number, id) in users.iter().enumerate() {
            let path = format!("/Users/{id}");
            let body = match number % 20 {
                0..=3 => replace("title", "Moved"),
                4 => replace("active", false),
                5 => {
                    pair.ask(provider, Method::Delete, &path, Value::Null);
                    continue;
                }
                6 => replace("userName", format!("renamed{number}")),
                _ => continue,
            };
            pair.ask(provider, Method::Patch, &path, body);
        }
        for pairs in groups.chunks(2) {
            let (from, to) = (&pairs[0], pairs.last().unwrap());
            let member = json!([{"value": users[7]}]);
            for (group, op) in [(from, "remove"), (to, "add")] {
                let body = patch(&json!([{"op": op, "path": "members", "value": member}]));
                pair.ask(provider, Method::Patch, &format!("/Groups/{group}"), body);
            }
        }
    });
}

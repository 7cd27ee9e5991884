//! Random lists and searches.

use end_to_end::uri;
use serde_json::{Value, json};

use crate::requests::{KINDS, Request, Requests, post};

const COMPARISONS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

/// Attributes that hold ids.
const IDS: [&str; 7] = [
    "id",
    "meta.location",
    "groups",
    "groups.value",
    "members",
    "members.value",
    "manager.value",
];

impl Requests {
    fn operand(&mut self, kind: usize) -> String {
        match self.random.below(12) {
            0 => format!("u{}", self.random.below(160)),
            1 => self
                .random
                .word(&["a", "h", "hidden", "@", "bo", "af1", "bf2"])
                .to_owned(),
            2 => format!("p{}@x.example", self.random.below(60)),
            3 => format!(
                "{}f{}@hidden.example",
                self.random.word(&["a", "b"]),
                self.random.below(9)
            ),
            4 => format!(
                "{}o{}@mail.hidden.example",
                self.random.word(&["a", "b"]),
                self.random.below(9)
            ),
            5 | 6 => self.id(kind),
            7 => format!("x{}", self.random.below(60)),
            8 => format!("{{{{before {}}}}}", self.random.below(self.sent.max(1))),
            _ => self.random.word(&crate::draw::WORDS).to_owned(),
        }
    }

    fn filter(&mut self, kind: usize, depth: usize) -> String {
        if depth > 0 && self.random.one_in(3) {
            let left = self.filter(kind, depth - 1);
            let right = self.filter(kind, depth - 1);
            return match self.random.below(3) {
                0 => format!("not ({left})"),
                1 => format!("{left} and ({right})"),
                _ => format!("({left}) or {right}"),
            };
        }
        let attribute =
            if kind == 0 {
                self.random.word(&["userName", "displayName", "emails.value", "emails", "title",
                "active", "externalId", "id", "meta.lastModified", "meta.created", "groups.value",
                "groups.display", "groups", "manager.value", "department", "name.familyName",
                "phoneNumbers.value", "meta.location", "employeeNumber", "nosuch",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName"])
            } else {
                self.random.word(&[
                    "displayName",
                    "members.value",
                    "members",
                    "members.display",
                    "members.type",
                    "externalId",
                    "id",
                    "meta.lastModified",
                    "meta.location",
                    "nosuch",
                ])
            };
        let comparison = self.random.word(&COMPARISONS);
        let named = usize::from(kind == 1 && self.random.one_in(2));
        let form = self.random.below(10);
        // Whether a part of an id has these letters is chance, and not the same on both servers.
        let by_chance = ["co", "sw", "ew"].contains(&comparison)
            && (IDS.contains(&attribute) || (form == 1 && kind == 1));
        let operand = match by_chance {
            true => self.id(named),
            false => self.operand(named),
        };
        match form {
            0 => format!("{attribute} pr"),
            1 if kind == 1 => format!("members[value {comparison} \"{operand}\"]"),
            1 => format!("emails[type eq \"work\" and value {comparison} \"{operand}\"]"),
            2 if kind == 0 => format!("groups[display {comparison} \"{operand}\"]"),
            3 if kind == 0 => format!("active eq {}", self.random.word(&["true", "false"])),
            _ => format!("{attribute} {comparison} \"{operand}\""),
        }
    }

    /// Pairs of a query or of a search.
    fn query(&mut self, kind: usize) -> Vec<(&'static str, Value)> {
        let mut pairs = Vec::new();
        if !self.random.one_in(4) {
            pairs.push(("filter", json!(self.filter(kind, 2))));
        }
        if self.random.one_in(3) {
            // Not by time: what two servers write within the same millisecond differs.
            let by = self.random.word(&[
                "userName",
                "displayName",
                "emails.value",
                "title",
                "active",
                "id",
                "groups.display",
                "members.value",
                "manager.displayName",
            ]);
            pairs.push(("sortBy", json!(by)));
            let order = self.random.word(&["ascending", "descending"]);
            pairs.push(("sortOrder", json!(order)));
        }
        if self.random.one_in(2) {
            pairs.push(("count", json!(self.random.below(8))));
        }
        if self.random.one_in(3) {
            pairs.push(("startIndex", json!(self.random.below(130))));
        }
        if self.random.one_in(3) {
            let name = self.random.word(&["attributes", "excludedAttributes"]);
            let value = self.random.word(&[
                "userName",
                "groups",
                "members",
                "emails.value",
                "id",
                "displayName",
                "manager",
                "meta",
                "groups.display",
            ]);
            pairs.push((name, json!(value)));
        }
        pairs
    }

    pub(crate) fn list(&mut self) -> Request {
        if self.random.one_in(4) && !self.cursors.is_empty() {
            let (number, path) = self.cursors[self.random.below(self.cursors.len())].clone();
            let path = format!("{path}&cursor={{{{cursor {number}}}}}");
            return Request {
                method: "GET",
                path,
                ..Request::default()
            };
        }
        let kind = self.random.below(2);
        let pairs = self.query(kind);
        let paged = self.random.one_in(3);
        let written: Vec<String> = pairs
            .iter()
            .filter(|(name, _)| !(paged && *name == "startIndex"))
            .map(|(name, value)| {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                format!("{name}={}", value.replace('%', "%25").replace('&', "%26"))
            })
            .collect();
        let place = if self.random.one_in(10) {
            ""
        } else {
            KINDS[kind]
        };
        let cursor = if paged { "&cursor" } else { "" };
        Request {
            method: "GET",
            path: format!("{place}?{}{cursor}", written.join("&")),
            ..Request::default()
        }
    }

    pub(crate) fn search(&mut self) -> Request {
        let kind = self.random.below(2);
        let mut body = json!({"schemas": [uri::SEARCH]});
        for (name, value) in self.query(kind) {
            body[name] = match name {
                "attributes" | "excludedAttributes" => json!([value]),
                _ => value,
            };
        }
        let place = if self.random.one_in(3) {
            ""
        } else {
            KINDS[kind]
        };
        post(&format!("{place}/.search"), &body)
    }
}

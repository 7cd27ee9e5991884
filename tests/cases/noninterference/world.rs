//! Two servers that a token cannot tell apart.

use end_to_end::{Client, Engine, Response, Server, uri};
use serde_json::{Value, json};

use crate::compare::{Place, Told};
use crate::draw::{self, Random};
use crate::requests::Request;

/// A server, and what its answers have told.
pub(crate) struct Side {
    pub(crate) server: Server,
    /// Whose answers are compared.
    pub(crate) observed: Client,
    /// A configuration whose resources the observed one does not see.
    pub(crate) other: Client,
    pub(crate) told: Told,
    /// Ids of what the observed configuration does not see: users, then groups.
    pub(crate) hidden: [Vec<String>; 2],
    name: char,
    random: Random,
}

const PROTECTED: &str = "is_tenant_admin = 1";
const ARCHIVED: &str = "status = 'archived', left_at = 1700000000000, created_at = 1600000000000";
const HELD: &str = "left_at = 1700000000000, held = 1";
const BY_HAND: &str = "managed_by = NULL, scim_user_name_key = NULL, external_id = NULL";
const PRIVILEGED: &str = "managed_by = NULL, scim_user_name_key = NULL, external_id = NULL, \
    admin_role = 'Administrator', is_tenant_admin = 1";

/// What both sides are set up with: the options of the observed configuration.
pub(crate) type Options<'a> = &'a [&'a str];

impl Side {
    /// A server whose hidden part is drawn from a seed.
    pub(crate) fn new(engine: &Engine, name: char, seed: u64, options: Options<'_>) -> Self {
        let serve = ["--limit-failed-authentications", "1000000"];
        let server = Server::start_with(engine.clone(), &serve);
        let observed = server.configuration_with("Observed", options);
        let other = server.configuration("Other");
        let mut side = Self {
            observed: observed.client,
            other: other.client,
            told: Told::default(),
            hidden: [Vec::new(), Vec::new()],
            name,
            random: Random::new(seed),
            server,
        };
        side.fill(&observed.id);
        side
    }

    /// Makes what is not seen.
    fn fill(&mut self, observed: &str) {
        let foreign = 4 + self.random.below(20);
        let own = 6 + self.random.below(12);
        let groups = 2 + self.random.below(6);
        let (mine, theirs) = (self.observed.clone(), self.other.clone());
        let users: Vec<Value> = (0..foreign).map(|at| self.user('f', at)).collect();
        let foreign = created(&theirs, "/Users", &users);
        let users: Vec<Value> = (0..3).map(|at| self.user('t', at)).collect();
        let protected = created(&theirs, "/Users", &users);
        let users: Vec<Value> = (0..own).map(|at| self.user('o', at)).collect();
        let own = created(&mine, "/Users", &users);
        let foreign_groups: Vec<Value> = (0..groups)
            .map(|at| {
                let members: Vec<Value> = foreign
                    .iter()
                    .filter(|_| self.random.one_in(3))
                    .map(|id| json!({"value": id}))
                    .collect();
                // Names are free in every configuration.
                let name = draw::GROUP_NAMES[at % draw::GROUP_NAMES.len()];
                let name = if at < draw::GROUP_NAMES.len() {
                    name
                } else {
                    "more"
                };
                json!({"schemas": [uri::GROUP], "displayName": format!("{name}{}", at / 8),
                    "externalId": format!("g{at}"), "members": members})
            })
            .collect();
        let foreign_groups = created(&theirs, "/Groups", &foreign_groups);
        let by_hand: Vec<Value> = (0..2)
            .map(|at| {
                json!({"schemas": [uri::GROUP], "displayName": format!("{} by hand {at}", self.name)})
            })
            .collect();
        let by_hand = created(&mine, "/Groups", &by_hand);
        // What an identity provider made, and an administrator or the product took out of its sight.
        let mut statements = String::new();
        let mut turn = |id: &str, what: &str| {
            statements.push_str(&format!("UPDATE users SET {what} WHERE id = '{id}';"));
        };
        for (at, id) in own.iter().enumerate() {
            let every = [PROTECTED, ARCHIVED, HELD, BY_HAND, PRIVILEGED];
            turn(id, every[(at + self.random.below(2)) % every.len()]);
        }
        for id in &protected {
            turn(id, PROTECTED);
        }
        for id in &foreign {
            match self.random.below(8) {
                0 => turn(id, ARCHIVED),
                1 => turn(id, HELD),
                _ => {}
            }
        }
        for id in &by_hand {
            statements.push_str(&format!(
                "UPDATE groups SET managed_by = NULL, scim_name_key = NULL, external_id = NULL \
                 WHERE id = '{id}';"
            ));
        }
        statements.push_str(&format!(
            "INSERT INTO link_candidates \
             (id, configuration_id, person_id, candidate_key, attribute, document, at) \
             SELECT id || '.link', '{observed}', id, '', 'userName', '{{}}', 1700000000000 \
             FROM users WHERE managed_by IS NULL;"
        ));
        self.server.sql(&statements);
        self.hidden = [
            foreign.into_iter().chain(protected).chain(own).collect(),
            foreign_groups.into_iter().chain(by_hand).collect(),
        ];
    }

    /// A user who is not seen. What is unique is not asked for by any request; the rest is.
    fn user(&mut self, kind: char, at: usize) -> Value {
        let name = self.name;
        let mut user = draw::user(&mut self.random, at);
        user["userName"] = json!(format!("{name}{kind}{at}@hidden.example"));
        user["emails"] = json!([{
            "value": format!("{name}{kind}{at}@mail.hidden.example"), "type": "work", "primary": true
        }]);
        user["externalId"] = json!(format!("{name}{kind}{at}"));
        user["phoneNumbers"] = json!([{"value": format!("+99 {name}{kind}{at}"), "type": "work"}]);
        if kind == 'f' {
            // These are free in every configuration.
            user["externalId"] = json!(format!("x{at}"));
            user["emails"] = json!([{"value": format!("p{at}@x.example"), "type": "work"}]);
        }
        user[uri::ENTERPRISE] = json!({"department": draw::WORDS[at % 4],
            "employeeNumber": format!("{name}{kind}{at}")});
        user
    }

    /// Ties what is seen to what is not: memberships both ways, managers both ways.
    pub(crate) fn entangle(&mut self) {
        let pick = |random: &mut Random, column: &str| {
            let digit = random.below(8);
            let other = (digit + 3) % 16;
            format!(
                "substr({column}, 36, 1) IN ('{digit:x}', '{other:x}', '{:x}')",
                digit + 8
            )
        };
        let quoted = |ids: &[String]| -> String {
            let ids: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
            ids.join(", ")
        };
        let (users, groups) = (quoted(&self.hidden[0]), quoted(&self.hidden[1]));
        let random = &mut self.random;
        let now = 1_700_000_000_000_i64;
        let mut statements = String::new();
        let insert =
            "INSERT INTO group_members (group_id, member_id, member_kind, added_at) SELECT";
        for (kind, table, hidden) in [("User", "users", &users), ("Group", "groups", &groups)] {
            let some = pick(random, "m.id");
            statements.push_str(&format!(
                "{insert} g.id, m.id, '{kind}', {now} FROM groups g, {table} m \
                 WHERE g.id NOT IN ({groups}) AND m.id IN ({hidden}) AND {some};"
            ));
            let some = pick(random, "m.id");
            statements.push_str(&format!(
                "{insert} g.id, m.id, '{kind}', {now} FROM groups g, {table} m \
                 WHERE g.id IN ({groups}) AND m.id NOT IN ({hidden}) AND {some};"
            ));
        }
        for (of, by) in [("NOT IN", "IN"), ("IN", "NOT IN")] {
            let some = pick(random, "id");
            statements.push_str(&format!(
                "UPDATE users SET manager_id = (SELECT min(m.id) FROM users m \
                 WHERE m.id {by} ({users})) WHERE id {of} ({users}) AND {some};"
            ));
        }
        self.server.sql(&statements);
    }

    /// Sends a request of the observed configuration, and answers what was said.
    pub(crate) fn ask(
        &mut self,
        number: usize,
        request: &Request,
        hidden: &[[Vec<String>; 2]; 2],
    ) -> (String, Response) {
        let fill = |text: &str| self.filled(text, hidden);
        let path = fill(&request.path);
        let headers: Vec<(&str, String)> = request
            .headers
            .iter()
            .map(|(name, value)| (*name, fill(value)))
            .collect();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let body = request.body.as_deref().map(fill);
        let begun = self.told.begin();
        let answer = self.observed.send(
            request.method,
            &path,
            &headers,
            body.as_deref().map(str::as_bytes),
        );
        (
            self.told.write(number, begun, &self.server, &answer),
            answer,
        )
    }

    /// Something changes that is not seen.
    pub(crate) fn stir(&mut self) {
        let Some(id) = self.random.of(&self.hidden[0]).cloned() else {
            return;
        };
        let Some(group) = self.random.of(&self.hidden[1]).cloned() else {
            return;
        };
        let at = 100 + self.random.below(1_000_000);
        let members = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        // Whether or not each is the other configuration's to change.
        match self.random.below(6) {
            0 => drop(self.other.patch(&format!("/Groups/{group}"), &members)),
            1 => drop(self.other.patch(
                &format!("/Users/{id}"),
                &json!([{"op": "replace", "path": "displayName", "value": "stirred"}]),
            )),
            2 => drop(self.other.patch(
                &format!("/Users/{id}"),
                &json!([{"op": "replace", "path": "active", "value": self.random.one_in(2)}]),
            )),
            3 => drop(self.other.delete(&format!("/Users/{id}"))),
            4 if self.random.one_in(4) => drop(self.other.delete(&format!("/Groups/{group}"))),
            _ => {
                let user = self.user('f', at);
                let made = self.other.post("/Users", &user);
                if made.status == 201 {
                    self.hidden[0].push(made.id());
                }
            }
        }
    }

    /// A text with what it names in double braces filled in as it is on this side.
    fn filled(&self, text: &str, hidden: &[[Vec<String>; 2]; 2]) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").unwrap();
            out.push_str(before);
            let mut words = name.split(' ');
            let word = words.next().unwrap_or_default();
            let numbers: Vec<usize> = words.map(|word| word.parse().unwrap()).collect();
            let found = match (word, numbers.as_slice()) {
                ("id", [request, count]) => {
                    self.told.id(Place(*request, *count)).map(str::to_owned)
                }
                ("tag", [request]) => self.told.tag(*request).map(str::to_owned),
                ("cursor", [request]) => self.told.cursor(*request).map(str::to_owned),
                ("before", [request]) => self.told.before(*request),
                ("hidden", [side, kind, at]) => hidden[*side][*kind].get(*at).cloned(),
                _ => panic!("{name}"),
            };
            // A request that made it may be left out when a failure is made short.
            out.push_str(
                found
                    .as_deref()
                    .unwrap_or("0190aaaa-0000-7000-8000-000000000000"),
            );
            rest = after;
        }
        out + rest
    }
}

/// Creates resources in one request and answers their ids.
fn created(client: &Client, path: &str, resources: &[Value]) -> Vec<String> {
    let operations: Vec<Value> = resources
        .iter()
        .enumerate()
        .map(|(at, data)| {
            json!({"method": "POST", "path": path, "bulkId": format!("b{at}"), "data": data})
        })
        .collect();
    let body = json!({"schemas": [uri::BULK], "Operations": operations});
    let answer = client.post("/Bulk", &body).expect(200);
    let results = answer.json["Operations"].as_array().unwrap();
    let ids = results.iter().map(|result| {
        assert_eq!(result["status"], "201", "{result}");
        let location = result["location"].as_str().unwrap();
        location.rsplit_once('/').unwrap().1.to_owned()
    });
    ids.collect()
}

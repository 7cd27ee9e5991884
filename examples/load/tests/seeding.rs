//! A database that was filled by copies is as one that was filled over SCIM.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use end_to_end::{Engine, Server};
use engines::on_both_engines;
use load::database::{Database, Place};
use load::seed::{self, Speaker};

on_both_engines! {
    |engine: &Engine| [Server::start(engine.clone()), Server::start(engine.clone())];

    fn seeded_rows_are_those_of_requests(servers: &mut [Server; 2]) {
        let servers = &*servers;
        let [seeded, asked] = servers;
        let (speakers, places) = (servers.each_ref().map(speaker), servers.each_ref().map(place));
        seed::users(&speakers[0], &places[0], USERS).unwrap();
        seed::users_over_scim(&speakers[1], USERS).unwrap();

        let [of_seeded, of_asked] = places.each_ref().map(rows);
        assert!(of_asked.len() > USERS * 4, "{}", of_asked.len());
        for (seeded, asked) in of_seeded.iter().zip(&of_asked) {
            assert_eq!(seeded, asked);
        }
        assert_eq!(of_seeded.len(), of_asked.len());
        sound(&places[0]);

        // And it answers alike.
        let of = |server: &Server, speaker: &Speaker| {
            let client = end_to_end::Client::new(&server.base, &speaker.token);
            FILTERS.map(|filter| client.get(&format!("/Users?filter={filter}")).json["totalResults"].clone())
        };
        let expected = of(asked, &speakers[1]);
        assert_eq!(expected, [1, 1, 1, 13].map(serde_json::Value::from));
        assert_eq!(of(seeded, &speakers[0]), expected);
    }
}

fn speaker(server: &Server) -> Speaker {
    Speaker {
        port: server.port,
        token: server.client().token,
    }
}

fn place(server: &Server) -> Place {
    match server.database() {
        Some(url) => Place::Postgres(url.to_owned()),
        None => Place::Sqlite(server.data().join("serviceops-scim.db")),
    }
}

/// What is kept of users and of what was done to them. Configurations have ids and secrets of their
/// own.
fn rows(place: &Place) -> Vec<String> {
    let mut database = place.connect().unwrap();
    let mut only = |table| {
        let columns = database.columns(table).unwrap();
        let rows = database.rows(table, &columns, "1 = 1").unwrap();
        rows[0]["id"].as_str().unwrap().to_owned()
    };
    let (id, cycle) = (only("provisioning_configurations"), only("runs"));
    let lines = seed::lines(&mut database).unwrap();
    let administration = |line: &String| ADMINISTRATION.iter().any(|table| line.starts_with(table));
    let lines = lines.into_iter().filter(|line| !administration(line));
    let lines = lines.map(|line| line.replace(&id, "configuration").replace(&cycle, "cycle"));
    added_up(lines.collect())
}

/// PostgreSQL keeps totals as what was added and taken away since they were last folded.
fn added_up(lines: Vec<String>) -> Vec<String> {
    let mut totals: BTreeMap<String, i64> = BTreeMap::new();
    let mut others = Vec::new();
    for line in lines {
        let Some(total) = line.strip_prefix("resource_totals ") else {
            others.push(line);
            continue;
        };
        let mut total: serde_json::Value = serde_json::from_str(total).unwrap();
        let amount = total["amount"].take().as_i64().unwrap();
        *totals.entry(total.to_string()).or_default() += amount;
    }
    let totals = totals.into_iter();
    others.extend(totals.map(|(counted, amount)| format!("{counted} {amount}")));
    others
}

/// Every index has an entry for every row, and whatever refers to a row finds it.
fn sound(place: &Place) {
    let mut database = place.connect().unwrap();
    if let Database::Postgres(_) = database {
        // PostgreSQL writes both by itself.
        return;
    }
    for check in ["integrity_check", "foreign_key_check"] {
        let wrong = format!("SELECT count(*) AS number FROM pragma_{check}");
        let sound = i64::from(check == "integrity_check");
        assert_eq!(database.number(&wrong).unwrap(), sound, "{check}");
    }
}

const USERS: usize = 23;
const FILTERS: [&str; 4] = [
    "userName%20eq%20%22U7%40corp.example%22",
    "externalId%20eq%20%22ext-u23%22",
    "emails%5Btype%20eq%20%22work%22%20and%20value%20eq%20%22u12%40corp.example%22%5D",
    "displayName%20sw%20%22u1%22%20or%20userName%20sw%20%22u20%22%20or%20userName%20sw%20%22u3%22",
];
/// What is kept of administrators, what is counted from time to time, and the feed, which says who
/// wrote and when.
const ADMINISTRATION: [&str; 17] = [
    "alerts ",
    "authority ",
    "instance",
    "leases ",
    "look_ups",
    "run",
    "access_tokens ",
    "attributes_seen ",
    "audit_",
    "event_counts",
    "feed_",
    "mapping_versions ",
    "provisioning_configurations ",
    "reference_values ",
    "request_counts ",
    "surveys ",
    "write_probe ",
];

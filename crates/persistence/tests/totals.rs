//! Totals that are kept equal those that are counted, whatever was done.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::thread;

use common::{Engine, House, actor, caller, configuration};
use diesel::RunQueryDsl;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::people::PersonChange;
use scim_protocol::schema::uri;
use scim_provisioning::{Caller, Method};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Total {
    #[diesel(sql_type = Nullable<Text>)]
    configuration_id: Option<String>,
    #[diesel(sql_type = Text)]
    counted: String,
    #[diesel(sql_type = BigInt)]
    amount: i64,
}

const KEPT: &str = "SELECT configuration_id, counted, CAST(SUM(amount) AS BIGINT) AS amount \
    FROM resource_totals GROUP BY configuration_id, counted HAVING SUM(amount) <> 0";

const COUNTED: &str = "SELECT managed_by AS configuration_id, 'users' AS counted, \
    count(*) AS amount FROM users \
    WHERE managed_by IS NOT NULL AND is_tenant_admin = 0 AND left_at IS NULL GROUP BY managed_by \
    UNION ALL SELECT managed_by, status, count(*) FROM users \
    WHERE managed_by IS NOT NULL GROUP BY managed_by, status \
    UNION ALL SELECT managed_by, 'groups', count(*) FROM groups \
    WHERE managed_by IS NOT NULL GROUP BY managed_by";

fn totals(house: &House, sql: &str) -> Vec<Total> {
    let url = &house.settings.url;
    let query = diesel::sql_query(sql);
    let mut totals: Vec<Total> = match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut connection: diesel::SqliteConnection =
                diesel::Connection::establish(path).unwrap();
            query.load(&mut connection).unwrap()
        }
        None => {
            let mut connection: diesel::PgConnection = diesel::Connection::establish(url).unwrap();
            query.load(&mut connection).unwrap()
        }
    };
    totals.sort();
    totals
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}

fn ask(house: &House, caller: &Caller, method: Method, path: &str, body: &Value) -> Option<String> {
    let body = body.to_string();
    let request = scim_provisioning::Request {
        method,
        path,
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    let answer = common::read_back(house.provider.answer(caller, &request));
    assert!(answer.status < 500, "{method:?} {path}: {:?}", answer.body);
    Some(answer.body?.get("id")?.as_str()?.to_owned())
}

/// One of everything that changes whom a configuration sees.
fn step(house: &House, callers: &[Caller], ids: &mut Vec<String>, dice: &mut Dice) {
    let caller = &callers[dice.below(callers.len())];
    let any = |ids: &[String], dice: &mut Dice| match ids.len() {
        0 => "00000001-0000-7000-8000-000000000001".to_owned(),
        some => ids[dice.below(some)].clone(),
    };
    let id = any(ids, dice);
    let name = format!("n{}", dice.below(60));
    let patch = |value: Value| {
        json!({"schemas": [uri::PATCH_OP],
            "Operations": [{"op": "replace", "path": "active", "value": value}]})
    };
    let admin = &house.admin;
    match dice.below(16) {
        0..=4 => {
            let body = json!({"schemas": [uri::USER], "userName": name});
            ids.extend(ask(house, caller, Method::Post, "/Users", &body));
        }
        5 => {
            let body = json!({"schemas": [uri::GROUP], "displayName": name});
            ids.extend(ask(house, caller, Method::Post, "/Groups", &body));
        }
        6 => drop(ask(
            house,
            caller,
            Method::Patch,
            &format!("/Users/{id}"),
            &patch(json!(false)),
        )),
        7 => drop(ask(
            house,
            caller,
            Method::Patch,
            &format!("/Users/{id}"),
            &patch(json!(true)),
        )),
        8 => drop(ask(
            house,
            caller,
            Method::Delete,
            &format!("/Users/{id}"),
            &Value::Null,
        )),
        9 => drop(ask(
            house,
            caller,
            Method::Delete,
            &format!("/Groups/{id}"),
            &Value::Null,
        )),
        10 => drop(admin.change_person(&actor(), &id, PersonChange::Unlink)),
        11 => drop(admin.change_person(&actor(), &id, PersonChange::Block)),
        12 => drop(admin.change_person(&actor(), &id, PersonChange::Archive)),
        13 => drop(admin.unlink_group(&actor(), &id)),
        14 => house.tamper(&format!(
            "UPDATE users SET is_tenant_admin = 1 - is_tenant_admin WHERE id = '{id}'"
        )),
        _ => {
            let later = chrono::Utc::now() + chrono::Duration::days(400);
            admin.purge_people(later, 1).unwrap();
        }
    }
}

fn callers(house: &House) -> Vec<Caller> {
    let mut configuration = configuration(&house.admin, "Other");
    configuration.policies.deletion = scim_provisioning::policy::Deletion::Delete { after_days: 1 };
    configuration.policies.existing_users = scim_provisioning::ExistingUsers::Link;
    vec![house.caller.clone(), caller(configuration)]
}

fn totals_that_are_kept_equal_those_that_are_counted(engine: &Engine) {
    let house = House::new(engine);
    let callers = callers(&house);
    let mut dice = Dice(0x5eed);
    let mut ids = Vec::new();
    for at in 0..600 {
        step(&house, &callers, &mut ids, &mut dice);
        if at % 20 == 0 {
            assert_eq!(
                totals(&house, KEPT),
                totals(&house, COUNTED),
                "{engine:?}, {at}"
            );
        }
    }
    let counted = totals(&house, COUNTED);
    assert!(counted.len() > 6, "{counted:?}");
    assert_eq!(totals(&house, KEPT), counted, "{engine:?}");
    let seen = |name: &str| house.get(name)["totalResults"].as_i64().unwrap();
    let own = house.caller.configuration.id.to_string();
    let of = |what: &str| {
        let of =
            |total: &&Total| total.configuration_id.as_ref() == Some(&own) && total.counted == what;
        counted.iter().find(of).unwrap().amount
    };
    assert_eq!(seen("/Users?count=0"), of("users"));
    assert_eq!(seen("/Groups?count=0"), of("groups"));
    house
        .admin
        .delete_configuration(&actor(), house.id_of("Other"))
        .unwrap();
    assert_eq!(totals(&house, KEPT), totals(&house, COUNTED), "{engine:?}");
}

fn totals_are_right_after_writers_side_by_side(engine: &Engine) {
    let house = House::new(engine);
    let callers = callers(&house);
    thread::scope(|threads| {
        for seed in 1..=8 {
            let (house, callers) = (&house, &callers);
            threads.spawn(move || {
                let (mut dice, mut ids) = (Dice(seed * 7919), Vec::new());
                for _ in 0..80 {
                    // Of each its own names, so that none waits long for another.
                    let body = json!({
                        "schemas": [uri::USER],
                        "userName": format!("s{seed}-{}", dice.below(1_000_000)),
                    });
                    let caller = &callers[dice.below(2)];
                    ids.extend(ask(house, caller, Method::Post, "/Users", &body));
                    if dice.below(3) == 0 {
                        let id = ids.swap_remove(dice.below(ids.len()));
                        ask(
                            house,
                            caller,
                            Method::Delete,
                            &format!("/Users/{id}"),
                            &Value::Null,
                        );
                    }
                }
            });
        }
    });
    assert_eq!(totals(&house, KEPT), totals(&house, COUNTED), "{engine:?}");
    // Many differences have become few rows.
    let rows = totals(
        &house,
        "SELECT NULL AS configuration_id, 'rows' AS counted, count(*) AS amount FROM resource_totals",
    );
    assert!(rows[0].amount < 900, "{engine:?}: {rows:?}");
}

engines::tests! {
    in_turn;
    on_both(Engine::clone):
        totals_that_are_kept_equal_those_that_are_counted,
        totals_are_right_after_writers_side_by_side;
}

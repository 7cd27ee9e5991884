//! Non-interference: two databases that differ only in what a token cannot see answer every request
//! alike, byte for byte.
//!
//! A run makes two servers whose hidden parts have nothing in common (tenant admins, people made by
//! hand, another configuration's users and groups, archived records, their memberships and managers),
//! sends both the same random requests, and compares status, headers and body. Identifiers, cursors
//! and request ids are compared by where they first appeared, times by the request in which they
//! fall. Unique values of the hidden parts are never asked for by a write; what collides by design
//! is a list of its own.
//!
//! `SERVICEOPS_SCIM_TEST_REQUESTS` says how many requests are sent on each engine,
//! `SERVICEOPS_SCIM_TEST_SEED` from which seed, and `SERVICEOPS_SCIM_TEST_SHORTEN` in how many runs
//! what fails is made short.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

mod collisions;
mod compare;
mod draw;
mod queries;
mod requests;
mod run;
mod world;

use std::process::ExitCode;

use end_to_end::{Engine, Suite};

/// Requests of one pair of databases.
const ROUND: usize = 1_000;

fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name}: {text}"))
    })
}

fn what_is_hidden_changes_no_answer(engine: &Engine) {
    let requests = usize::try_from(number("SERVICEOPS_SCIM_TEST_REQUESTS", 500)).unwrap();
    let first = number("SERVICEOPS_SCIM_TEST_SEED", 1);
    let mut left = requests;
    for seed in first.. {
        if left == 0 {
            break;
        }
        let now = left.min(ROUND);
        run::round(engine, seed, now);
        left -= now;
    }
}

fn main() -> ExitCode {
    let mut suite = Suite::new();
    suite.on_both(
        "what_is_hidden_changes_no_answer",
        what_is_hidden_changes_no_answer,
    );
    suite.once(
        "answers_are_compared_by_where_things_first_appeared",
        compare::answers_are_compared_by_where_things_first_appeared,
    );
    collisions::add_to(&mut suite);
    suite.run()
}

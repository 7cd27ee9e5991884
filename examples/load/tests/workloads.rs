//! Every workload does what it says: its answers are those that it asks for, and afterwards there is
//! as much more as it made. How long anything takes is not looked at.
#![allow(missing_docs, clippy::unwrap_used)]

use std::process::{Command, Output};

use end_to_end::Engine;
use engines::Suite;

fn main() -> std::process::ExitCode {
    let mut suite = Suite::new();
    suite.on_both("every_workload_does_what_it_says", every_workload);
    suite.once("a_page_that_is_too_short_is_seen", short_pages);
    suite.run()
}

fn report(engine: &Engine, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_load"));
    command
        .arg("report")
        .arg("--server")
        .arg(end_to_end::binary());
    command.args(["--users", "400", "--groups", "2", "--cycle", "20"]);
    command.args(["--connections", "2", "--requests", "6", "--seconds", "60"]);
    if let Engine::Postgres(server) = engine {
        command.args(["--no-sqlite", "--postgres", server]);
    }
    command.args(options).output().unwrap()
}

fn every_workload(engine: &Engine) {
    let output = report(engine, &[]);
    let [out, said] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success() && said.is_empty(), "{out}{said}");
    let row = |name: &str| {
        let row = out
            .lines()
            .find(|line| line.starts_with(&format!("| {name} |")));
        let row = row.unwrap_or_else(|| panic!("{name} is missing: {out}"));
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().to_owned()).collect();
        cells.get(3).unwrap().parse::<u64>().unwrap()
    };
    for name in WORKLOADS {
        assert_eq!(row(name), 6, "{name}: {out}");
    }
    assert_eq!(row("create in a Bulk of 100"), 600);
    assert_eq!(row("initial cycle, 1 groups"), 20);
    assert_eq!(row("raw: create"), 6);
}

/// What the answers are is looked at: a server that gives shorter pages is found out.
fn short_pages() {
    let options = ["--only", "page of 100", "--option=--limit-page-max=50"];
    let output = report(&Engine::Sqlite, &options);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let expected = "page of 100, the first: 6 answers with 200 are not what was asked for";
    assert!(said.contains(expected), "{said}");
}

const WORKLOADS: [&str; 25] = [
    "bare: GET a user",
    "bare: group of 200 without members",
    "bare: page of 100, the first",
    "GET a user",
    "match userName",
    "match externalId",
    "match work e-mail",
    "group of 200 without members",
    "group of 200",
    "total",
    "page of 100, the first",
    "page of 100 at 90 %",
    "page of 100 by cursor",
    "page of 100 by userName",
    "page of 100 by displayName",
    "page of 100 by meta.lastModified",
    "filter that no index serves",
    "PATCH displayName",
    "PUT",
    "deactivate",
    "one member of 10",
    "one member of 200",
    "100 members in one PATCH",
    "create a group",
    "create",
];

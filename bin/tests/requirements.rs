//! Every requirement of `docs/security/requirements.md` names the tests that hold it, and each of
//! those tests is there.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document() -> String {
    std::fs::read_to_string(root().join("docs/security/requirements.md")).unwrap()
}

/// The cells of every row below the head of a table.
fn rows(document: &str) -> impl Iterator<Item = Vec<&str>> {
    let cells = |line: &'_ str| line.starts_with('|') && !line.starts_with("|---");
    document
        .lines()
        .filter(move |line| cells(line))
        .map(|line| {
            let inner = line.trim_matches('|');
            inner.split('|').map(str::trim).collect()
        })
}

/// The tests that a cell names, as `file::name`.
fn tests(cell: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter_map(|quoted| quoted.rsplit_once("::"))
}

/// The rows of a table by the letter before the number in their first cell.
fn numbers(document: &str, letter: char) -> BTreeSet<u32> {
    let first = rows(document).filter_map(|row| row.first()?.strip_prefix(letter)?.parse().ok());
    first.collect()
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut missing = Vec::new();
    let document = document();
    for row in rows(&document) {
        for (file, name) in tests(row.last().unwrap()) {
            let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
            let there = ["fn ", "def "]
                .iter()
                .any(|keyword| text.contains(&format!("{keyword}{name}(")));
            if !there {
                missing.push(format!("{file}::{name}"));
            }
        }
    }
    assert!(missing.is_empty(), "not there: {missing:#?}");
}

#[test]
fn every_requirement_names_a_test_or_says_that_it_is_not_built() {
    let document = document();
    for row in rows(&document).filter(|row| row[0] != "No.") {
        let held = row.last().unwrap();
        assert!(
            tests(held).next().is_some() || held.starts_with("not built"),
            "{row:?}"
        );
    }
}

#[test]
fn every_line_of_the_design_has_its_row() {
    let document = document();
    assert_eq!(numbers(&document, 'H'), (1..=22).collect());
    assert_eq!(numbers(&document, 'P'), (1..=23).collect());
}

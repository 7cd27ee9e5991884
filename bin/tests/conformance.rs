//! Every demand of the RFCs in `docs/conformance.md` names the file that cites it and the tests that
//! hold it, and all of them are there.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A row: the RFC, its section, where it is obeyed, and what holds it.
struct Row {
    rfc: &'static str,
    section: String,
    place: String,
    tests: Vec<String>,
}

fn rows() -> Vec<Row> {
    let document = std::fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    let rows = document.lines().filter(|line| line.starts_with('|'));
    let rows = rows.filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let rfc = match cells[0].split('-').next() {
            Some("43") => "7643",
            Some("44") => "7644",
            Some("65") => "9865",
            Some("17") => "8417",
            Some("67") => "9967",
            _ => return None,
        };
        let quoted = |cell: &str| -> Vec<String> {
            let quoted = cell.split('`').skip(1).step_by(2);
            quoted.map(str::to_owned).collect()
        };
        let [_, section, _, place, held] = cells[..] else {
            panic!("five cells: {line}");
        };
        Some(Row {
            rfc,
            section: section.to_owned(),
            place: quoted(place).concat(),
            tests: quoted(held),
        })
    });
    rows.collect()
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut missing = Vec::new();
    for row in rows() {
        assert!(
            !row.tests.is_empty(),
            "{} {} is held by nothing",
            row.rfc,
            row.section
        );
        for test in row.tests {
            let (file, name) = test.rsplit_once("::").unwrap();
            let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
            if !text.contains(&format!("fn {name}(")) {
                missing.push(test);
            }
        }
    }
    assert!(missing.is_empty(), "not there: {missing:#?}");
}

#[test]
fn every_file_that_is_named_cites_its_section() {
    let mut missing = Vec::new();
    for row in rows().into_iter().filter(|row| row.place.contains('/')) {
        let text = std::fs::read_to_string(root().join(&row.place)).unwrap_or_default();
        // Comments break where their lines end.
        let words: Vec<&str> = text
            .split_whitespace()
            .filter(|word| !word.starts_with("//"))
            .collect();
        let text = words.join(" ");
        let cites = |end: &str| {
            let (rfc, section) = (row.rfc, &row.section);
            text.contains(&format!("RFC {rfc} section {section}{end}"))
                || text.contains(&format!("RFC {rfc} sections {section}{end}"))
        };
        let ends = [" ", ")", ",", ":", ";", ". ", ".\n", "`"];
        if !ends.iter().any(|end| cites(end)) {
            missing.push(format!(
                "{} cites RFC {} section {}",
                row.place, row.rfc, row.section
            ));
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "not so: {missing:#?}");
}

#[test]
fn the_list_is_of_five_rfcs_and_has_no_hole() {
    let count = |rfc: &str| rows().iter().filter(|row| row.rfc == rfc).count();
    let document = std::fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    for (rfc, letter) in [
        ("7643", "43"),
        ("7644", "44"),
        ("9865", "65"),
        ("8417", "17"),
        ("9967", "67"),
    ] {
        let count = count(rfc);
        assert!(count > 4, "RFC {rfc}");
        for number in 1..=count {
            assert!(
                document.contains(&format!("| {letter}-{number} |")),
                "{letter}-{number}"
            );
        }
    }
}

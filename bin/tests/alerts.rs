//! The guide says of every alert what it is and what to do, and the console has the page that mends
//! it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;

use scim_admin::alert::{AlertCause, AlertKind};

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/alerts.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_alert_has_a_section_with_what_to_do() {
    let guide = guide();
    let sections: Vec<&str> = guide.split("\n## `").skip(1).collect();
    assert_eq!(sections.len(), AlertKind::ALL.len());
    for (kind, section) in AlertKind::ALL.iter().zip(sections) {
        let (word, text) = section.split_once('`').unwrap();
        assert_eq!(word, kind.as_str());
        for said in [kind.title(), kind.advice()] {
            assert!(text.contains(said), "{word} does not say: {said}");
        }
        assert!(
            text.contains("**Over**"),
            "{word} does not say when it is over"
        );
    }
}

#[test]
fn every_cause_is_explained() {
    let guide = guide();
    for cause in AlertCause::FIXED {
        let row = format!("| `{}` | {} |", cause.as_str(), cause.meaning());
        assert!(guide.contains(&row), "{row}");
    }
}

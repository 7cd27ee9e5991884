//! The small programs print what their pages say.
#![allow(missing_docs, clippy::unwrap_used)]

use std::process::Command;

fn printed(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn structs_are_filtered() {
    let program = env!("CARGO_BIN_EXE_filter-structs");
    assert_eq!(printed(program, &[]), "Lab 1\n");
    let one = r#"ports[name eq "uplink" and speed lt 10000]"#;
    assert_eq!(printed(program, &[one]), "lab 2\nHall\n");
    let wrong = Command::new(program).arg("label sw").output().unwrap();
    assert!(!wrong.status.success());
}

#[test]
fn a_document_is_patched() {
    let printed = printed(env!("CARGO_BIN_EXE_patch-document"), &[]);
    for expected in ["\"path\":\"active\"", "ava@corp.example", "booleanAsText"] {
        assert!(printed.contains(expected), "{printed}");
    }
}

#[test]
fn pages_are_walked_past_a_busy_server() {
    let printed = printed(env!("CARGO_BIN_EXE_walk-pages"), &[]);
    let names = "user1 user2 user3 user4 user5";
    let expected = format!("by index: {names}\nby cursor: {names}\n");
    assert!(printed.starts_with(&expected), "{printed}");
    let waited = printed.lines().last().unwrap();
    assert_ne!(waited, "waited for the server: 0 seconds");
}

#[test]
fn users_become_fields_of_serviceops_and_columns_of_badges() {
    let fields = printed(env!("CARGO_BIN_EXE_map-user"), &[]);
    for expected in [
        "custom_fields.shift = \"Night\"",
        "email = \"ava@corp.example\"",
        "warning: ",
    ] {
        assert!(fields.contains(expected), "{fields}");
    }
    let badges = printed(env!("CARGO_BIN_EXE_map-badges"), &[]);
    let expected = "holder=\"ava\" name=\"A. Stone\" doors=[\"Gate\",\"Lab\"] zone=\"B07\"\n\
        holder=\"bo\"\n  \"addresses[type eq \"work\"].locality\": no zone, such as B07 (badge \
        field \"zone\", rule 4)\n";
    assert_eq!(badges, expected);
}

//! What is said of commands to which something is missing, or that say what does not go together.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output, Stdio};

/// What a command says in a folder in which nothing is, and in which nothing may be afterwards.
fn refused(words: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output: Output = Command::new(env!("CARGO_BIN_EXE_serviceops-scim"))
        .env_clear()
        .current_dir(folder.path())
        .args(words.split(' '))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words}: {said}");
    assert_eq!(said.lines().count(), 1, "{words}: {said}");
    assert!(output.stdout.is_empty(), "{words}");
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "{words} made something");
    said
}

#[test]
fn a_command_that_needs_one_of_several_names_them_and_makes_nothing() {
    for (words, alternatives) in [
        ("held allow Entra", &["--user", "--all"][..]),
        ("held reject Entra", &["--user", "--all"]),
        ("link approve Entra", &["--user", "--link", "--all"]),
        ("link dismiss Entra", &["--user", "--link", "--all"]),
        ("link restore Entra", &["--user", "--link", "--all"]),
        ("run undo", &["<RUN>", "--event"]),
        ("apply", &["<FILE>", "--plan"]),
        ("token revoke", &["<CONFIGURATION>", "--issued-before"]),
        (
            "stream add mail",
            &["--read", "--webhook", "--poll", "--push"],
        ),
        ("configuration edit Entra", &["--name", "--guard-count"]),
        ("custom-field edit badge", &["--label", "--required"]),
        ("account add ava", &["administrator", "auditor"]),
        ("user convert ava", &["requester", "technician"]),
        ("completions", &["bash", "zsh", "fish"]),
    ] {
        let said = refused(words);
        let command = words.split(' ').take(2).collect::<Vec<_>>().join(" ");
        assert!(
            said.contains(&format!("; type: serviceops-scim {command}")),
            "{said}"
        );
        for alternative in alternatives {
            assert!(said.contains(alternative), "{alternative}: {said}");
        }
    }
}

#[test]
fn options_that_go_with_others_name_them_and_make_nothing() {
    for (words, named) in [
        (
            "custom-field add badge --type single-choice",
            "custom-field add badge --type single-choice --option <OPTION>",
        ),
        (
            "custom-field add badge --option a",
            "--type single-choice or --type multi-choice",
        ),
        (
            "configuration add --name Entra --delete-after-days 7",
            "--on-delete delete",
        ),
        ("serve --oidc-issuer https://x.example", "--oidc-client-id"),
        ("serve --proxy-protocol", "--trusted-proxies"),
    ] {
        let said = refused(words);
        assert!(said.contains(named), "{said}");
    }
}

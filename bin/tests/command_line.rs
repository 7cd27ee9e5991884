//! The program as an operator runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serviceops-scim"));
    command
        .env_clear()
        .env("SERVICEOPS_SCIM_DATA_DIR", folder)
        .stdin(Stdio::null());
    command
}

fn run(folder: &TempDir, words: &[&str]) -> Output {
    program(folder.path()).args(words).output().unwrap()
}

fn json(folder: &TempDir, words: &[&str]) -> Value {
    let output = run(folder, words);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command lists, with no page behind it.
fn items(folder: &TempDir, words: &[&str]) -> Value {
    let mut list = json(folder, words);
    assert_eq!(list["next"], Value::Null, "{words:?}");
    list["items"].take()
}

/// A folder with a database in it.
fn migrated() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(&folder, &["migrate"]).status.success());
    folder
}

/// What a refused command says: one line, with exit code 1.
fn refused(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    errors
}

fn with_input(folder: &TempDir, words: &[&str], input: &str) -> Output {
    let mut command = program(folder.path());
    let command = command.args(words).stdin(Stdio::piped());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// A server on a free port, which ends with the test.
struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    fn start(folder: &TempDir) -> Self {
        let mut child = program(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let endpoint = lines
            .map(Result::unwrap)
            .find_map(|line| Some(line.strip_prefix("SCIM endpoint")?.trim().to_owned()));
        let endpoint = endpoint.unwrap();
        Self { child, endpoint }
    }

    fn status(&self, token: &str) -> u16 {
        let provider = rustls::crypto::ring::default_provider();
        let tls = ureq::tls::TlsConfig::builder()
            .disable_verification(true)
            .unversioned_rustls_crypto_provider(std::sync::Arc::new(provider))
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .build()
            .new_agent();
        let request = agent
            .get(format!("{}/ServiceProviderConfig", self.endpoint))
            .header("Authorization", format!("Bearer {token}"));
        request.call().unwrap().status().as_u16()
    }

    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where the test stopped it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_running_server_sees_what_commands_change_at_its_next_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder);
    let added = json(
        &folder,
        &[
            "configuration",
            "add",
            "--name",
            "Entra",
            "--idp",
            "entra",
            "--json",
        ],
    );
    assert_eq!(added["scimEndpoint"], server.endpoint.as_str());
    assert_eq!(added["status"], "enabled");
    assert_eq!(
        added["provisioningType"],
        serde_json::json!({"users": true, "groups": true})
    );
    let token = added["token"]["value"].as_str().unwrap();

    assert_eq!(server.status(token), 200);
    json(&folder, &["configuration", "disable", "entra", "--json"]);
    assert_eq!(server.status(token), 403);
    json(&folder, &["configuration", "enable", "entra", "--json"]);
    assert_eq!(server.status(token), 200);
    json(&folder, &["token", "revoke", "Entra", "--json"]);
    assert_eq!(server.status(token), 401);
    assert!(run(&folder, &["healthcheck"]).status.success());
    assert!(run(&folder, &["check"]).status.success());
    assert_eq!(server.stop(), Some(0));
    refused(&run(&folder, &["healthcheck"]));
}

#[test]
fn a_token_is_shown_again_and_a_third_one_is_refused() {
    let folder = migrated();
    let added = json(
        &folder,
        &["configuration", "add", "--name", "one", "--users", "--json"],
    );
    assert_eq!(added["provisioningType"]["groups"], false);
    let shown = json(&folder, &["token", "show", "one", "--json"]);
    assert_eq!(shown["value"], added["token"]["value"]);
    json(&folder, &["token", "add", "one", "--json"]);
    assert!(refused(&run(&folder, &["token", "add", "one"])).contains("at most 2"));
    let list = items(&folder, &["token", "list", "one", "--json"]);
    assert_eq!(list.as_array().unwrap().len(), 2);
    let text = run(&folder, &["token", "list", "one"]).stdout;
    let secret = added["token"]["value"].as_str().unwrap();
    assert!(!String::from_utf8_lossy(&text).contains(secret));
}

#[test]
fn a_configuration_is_edited_and_deleted_by_name_or_id() {
    let folder = migrated();
    let added = json(
        &folder,
        &["configuration", "add", "--name", "one", "--json"],
    );
    let id = added["id"].as_str().unwrap();
    json(
        &folder,
        &[
            "configuration",
            "edit",
            id,
            "--name",
            "two",
            "--groups",
            "false",
            "--json",
        ],
    );
    let shown = json(&folder, &["configuration", "show", "TWO", "--json"]);
    assert_eq!(
        shown["provisioningType"],
        serde_json::json!({"users": true, "groups": false})
    );
    assert!(refused(&run(&folder, &["configuration", "add", "--name", "Two"])).contains("in use"));
    json(&folder, &["configuration", "delete", "two", "--json"]);
    assert_eq!(
        items(&folder, &["configuration", "list", "--json"]),
        serde_json::json!([])
    );
    assert!(refused(&run(&folder, &["configuration", "show", "two"])).contains("two"));
}

#[test]
fn a_configuration_that_provisions_nothing_is_told_on_standard_error() {
    let folder = migrated();
    json(
        &folder,
        &["configuration", "add", "--name", "Entra", "--json"],
    );
    let edit = |types: &[&str]| {
        let output = run(
            &folder,
            &[&["configuration", "edit", "Entra"], types].concat(),
        );
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(edit(&["--groups", "false"]), "");
    let told = edit(&["--users", "false", "--json"]);
    assert!(told.contains("provisions nothing"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_eq!(edit(&["--users", "true"]), "");
}

#[test]
fn a_password_comes_from_standard_input() {
    let folder = migrated();
    let add = [
        "account",
        "add",
        "root",
        "--role",
        "administrator",
        "--json",
    ];
    let password = "correct horse battery staple\n";
    let added = with_input(&folder, &add, password);
    assert!(added.status.success());
    assert!(!String::from_utf8_lossy(&added.stdout).contains("horse"));
    refused(&with_input(
        &folder,
        &["account", "password", "root"],
        "short\n",
    ));
    refused(&with_input(&folder, &["account", "password", "root"], ""));
    refused(&with_input(
        &folder,
        &["account", "password", "nobody"],
        password,
    ));
    let accounts = items(&folder, &["account", "list", "--json"]);
    assert_eq!(accounts[0]["role"], "administrator");
}

#[test]
fn people_and_keys_are_added_and_listed() {
    let folder = migrated();
    let add = [
        "user",
        "add",
        "--user-name",
        "boss@example.com",
        "--tenant-admin",
        "--json",
    ];
    let id = json(&folder, &add)["id"].clone();
    let people = items(&folder, &["user", "list", "--json"]);
    assert_eq!(
        (&people[0]["id"], &people[0]["tenantAdmin"]),
        (&id, &Value::Bool(true))
    );
    assert_eq!(
        items(&folder, &["group", "list", "--json"]),
        serde_json::json!([])
    );
    assert_eq!(items(&folder, &["events", "--json"]), serde_json::json!([]));
    let key = json(
        &folder,
        &[
            "api-key", "add", "--name", "ci", "--role", "auditor", "--json",
        ],
    );
    assert!(key["key"].as_str().unwrap().starts_with("sopsapi_"));
    json(&folder, &["api-key", "revoke", "ci", "--json"]);
    let keys = items(&folder, &["api-key", "list", "--json"]);
    assert_eq!(keys[0]["state"], "revoked");
}

#[test]
fn a_list_goes_on_behind_the_last_of_a_page_that_is_full() {
    let folder = migrated();
    for name in ["ada", "boss", "carl"] {
        json(&folder, &["user", "add", "--user-name", name, "--json"]);
    }
    let mut words = vec!["user", "list", "--limit", "2", "--json"];
    let first = json(&folder, &words);
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(first["next"], first["items"][1]["id"]);
    words.extend(["--after", first["next"].as_str().unwrap()]);
    let last = items(&folder, &words);
    assert_eq!(last.as_array().unwrap().len(), 1);
    assert_ne!(last[0]["id"], first["items"][0]["id"]);
}

#[test]
fn an_account_is_bound_to_a_person_and_unbound() {
    let folder = migrated();
    let password = "correct horse battery staple\n";
    for name in ["root", "ada"] {
        let add = ["account", "add", name, "--role", "administrator"];
        assert!(with_input(&folder, &add, password).status.success());
    }
    let id = json(
        &folder,
        &["user", "add", "--user-name", "ada@x.example", "--json"],
    )["id"]
        .clone();
    let bind = [
        "account",
        "bind",
        "ada",
        "--user",
        "ada@x.example",
        "--json",
    ];
    let bound = json(&folder, &bind);
    let user = serde_json::json!({"id": id, "userName": "ada@x.example", "active": true});
    assert_eq!(bound["user"], user);
    let id = id.as_str().unwrap();
    let said = refused(&run(&folder, &["account", "bind", "root", "--user", id]));
    assert!(said.contains("last administrator"), "{said}");
    let said = refused(&run(&folder, &["account", "bind", "root", "--user", "eve"]));
    assert!(said.contains("eve"), "{said}");
    json(&folder, &["user", "block", id, "--json"]);
    let listed = run(&folder, &["account", "list"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("ada@x.example (not active)"), "{listed}");
    let unbound = json(&folder, &["account", "unbind", "ada", "--json"]);
    assert_eq!(unbound["user"], Value::Null);
    refused(&run(&folder, &["account", "unbind", "ada"]));
}

#[test]
fn people_and_groups_are_changed_by_name_where_it_says_who_is_meant() {
    let folder = migrated();
    let add = || {
        let added = ["user", "add", "--user-name", "Ada@x.example", "--json"];
        json(&folder, &added)["id"].as_str().unwrap().to_owned()
    };
    let change = |words: &[&str]| json(&folder, &[words, &["--json"]].concat());
    let first = add();
    assert_eq!(change(&["user", "block", "ada@x.example"])["id"], *first);
    assert_eq!(change(&["user", "archive", "ada@x.example"])["id"], *first);
    // Who is there counts before who was archived.
    let second = add();
    assert_eq!(change(&["user", "block", "ada@x.example"])["id"], *second);
    change(&["group", "add", "Desk"]);
    let group = change(&["group", "add-member", "desk", "--user", "ada@x.example"]);
    assert_eq!(group["members"], 1);
    change(&["user", "archive", "ada@x.example"]);
    let said = refused(&run(&folder, &["user", "unblock", "ada@x.example"]));
    assert!(said.contains(&first) && said.contains(&second), "{said}");
    assert_eq!(change(&["user", "unblock", &first])["status"], "active");
    let said = refused(&run(&folder, &["user", "block", "eve"]));
    assert!(said.contains("eve"), "{said}");
}

#[test]
fn the_environment_counts_before_the_file_and_a_flag_before_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:1\"\n").unwrap();
    let said = |environment: Option<&str>, words: &[&str]| {
        let mut command = program(folder.path());
        command.env("SERVICEOPS_SCIM_CONFIG", &file);
        command.envs(environment.map(|listen| ("SERVICEOPS_SCIM_LISTEN", listen)));
        refused(&command.arg("healthcheck").args(words).output().unwrap())
    };
    assert!(said(None, &[]).contains("127.0.0.1:1;"));
    assert!(said(Some("127.0.0.1:2"), &[]).contains("127.0.0.1:2;"));
    let flag = ["--listen", "127.0.0.1:3"];
    assert!(said(Some("127.0.0.1:2"), &flag).contains("127.0.0.1:3;"));
}

#[test]
fn wrong_usage_is_2_and_what_cannot_be_done_is_1() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        &["nonsense"][..],
        &["serve", "--nonsense"],
        &["configuration"],
        &["token", "show"],
        &["--database-url", "mysql://x", "user", "list"],
        &["serve", "--tls-cert", "certificate.pem"],
        &["serve", "--proxy-protocol"],
    ] {
        assert_eq!(run(&folder, words).status.code(), Some(2), "{words:?}");
    }
    for words in [&["--help"][..], &["--version"], &["completions", "bash"]] {
        assert_eq!(run(&folder, words).status.code(), Some(0), "{words:?}");
    }
    refused(&run(&folder, &["check"]));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(refused(&run(&folder, &["--listen", &address])).contains(&address));
    let alone = run(&folder, &["serve", "--tls-cert", "nowhere.pem"]);
    assert!(String::from_utf8_lossy(&alone.stderr).contains("--tls-key"));
}

#[test]
fn a_key_ring_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = migrated();
    items(&folder, &["configuration", "list", "--json"]);
    let file = folder.path().join("keyring.json");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(refused(&run(&folder, &["configuration", "list"])).contains("chmod 600"));
}

#[test]
fn nothing_but_the_server_and_migrate_makes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        &["user", "list"][..],
        &["check"],
        &["serve", "--no-migrate", "--listen", "127.0.0.1:0"],
        &["api-key", "add", "--name", "k", "--role", "auditor"],
    ] {
        let output = run(&folder, words);
        let said = refused(&output);
        let shown = format!("{said}{}", String::from_utf8_lossy(&output.stdout));
        assert!(
            shown.contains("run: serviceops-scim migrate"),
            "{words:?}: {shown}"
        );
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    let left = left.into_iter().map(|entry| entry.unwrap().file_name());
    // The certificate is made before the database is opened.
    let left: Vec<_> = left.filter(|name| name != "tls").collect();
    assert!(left.is_empty(), "{left:?}");
    let made = json(&folder, &["migrate", "--json"]);
    assert!(made["applied"].as_array().unwrap().len() > 20, "{made}");
    let again = json(&folder, &["migrate", "--json"]);
    assert_eq!(
        (&again["applied"], &again["version"]),
        (&serde_json::json!([]), &made["version"])
    );
    assert!(run(&folder, &["user", "list"]).status.success());
}

#[test]
fn a_log_line_holds_neither_token_nor_query() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = program(folder.path())
        .args(["--listen", "127.0.0.1:0", "--log-format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let endpoint = lines.find_map(|line| {
        Some(
            line.unwrap()
                .strip_prefix("SCIM endpoint")?
                .trim()
                .to_owned(),
        )
    });
    let server = Server {
        child,
        endpoint: endpoint.unwrap() + "/Users?filter=secretname&x=",
    };
    assert_eq!(server.status("secrettoken"), 401);
    let mut server = server;
    let mut errors = server.child.stderr.take().unwrap();
    assert_eq!(server.stop(), Some(0));
    let mut log = String::new();
    errors.read_to_string(&mut log).unwrap();
    let line = log
        .lines()
        .find(|line| line.contains("/api/scim/v2/Users"))
        .unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["status"], 401);
    assert_eq!(line["path"], "/api/scim/v2/Users");
    assert!(!log.contains("secret"), "{log}");
}

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use super::*;
use crate::settings::origin::Origin;

fn parse_words(words: &[&str]) -> Result<Invocation, UsageError> {
    let program = std::iter::once("serviceops-scim");
    parse(program.chain(words.iter().copied()).map(OsString::from))
}

fn served(words: &[&str]) -> (Common, ServeOptions) {
    match parse_words(words) {
        Ok(Invocation::Serve(common, options)) => (common, *options),
        Ok(Invocation::Command(..)) => panic!("{words:?} does not serve"),
        Err(error) => panic!("{words:?}: {error}"),
    }
}

fn listens(options: &ServeOptions) -> String {
    let all: Vec<String> = options.listen.iter().map(ToString::to_string).collect();
    all.join(",")
}

fn printed(words: &[&str]) -> Vec<Setting> {
    match parse_words(words) {
        Ok(Invocation::Command(_, Command(Work::Settings(settings)))) => settings,
        Ok(_) => panic!("{words:?} prints no settings"),
        Err(error) => panic!("{words:?}: {error}"),
    }
}

fn refused(words: &[&str]) -> String {
    match parse_words(words) {
        Ok(_) => panic!("{words:?} is accepted"),
        Err(error) => error.to_string(),
    }
}

fn file(folder: &tempfile::TempDir, text: &str) -> String {
    let path = folder.path().join("settings.toml");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn clap_finds_no_contradiction() {
    Cli::command().debug_assert();
}

#[test]
fn what_the_console_can_do_commands_can() {
    let forms = include_str!("../../console/src/console/tests/elsewhere.txt").lines();
    let cli = Cli::command();
    for line in forms.filter(|line| !line.starts_with('#')) {
        let command = line.rsplit('|').next().unwrap().trim();
        let found = command
            .split(' ')
            .try_fold(&cli, |found, word| found.find_subcommand(word));
        assert!(command.starts_with("- ") || found.is_some(), "{line}");
    }
}

#[test]
fn without_a_command_the_server_is_started() {
    let (common, options) = served(&[]);
    assert_eq!(listens(&options), "[::]:8443");
    assert_eq!(
        common.database_url().unwrap(),
        "sqlite:./data/serviceops-scim.db"
    );
    assert_eq!(common.key_file(), Path::new("./data/keyring.json"));
    let (_, options) = served(&["--listen", "127.0.0.1:0"]);
    assert_eq!(listens(&options), "127.0.0.1:0");
    let (common, options) = served(&["serve", "--listen", "127.0.0.1:1", "--data-dir", "d"]);
    assert_eq!(listens(&options), "127.0.0.1:1");
    assert_eq!(
        common.database_url().unwrap(),
        "sqlite:d/serviceops-scim.db"
    );
}

#[test]
fn a_flag_counts_before_the_file_and_the_file_before_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let text = "listen = \"127.0.0.1:1\"\ndata-dir = \"from-file\"\nlimit-page-max = 7\n";
    let path = file(&folder, text);
    for words in [vec!["--config", &path], vec!["serve", "--config", &path]] {
        let (common, options) = served(&words);
        assert_eq!(listens(&options), "127.0.0.1:1", "{words:?}");
        assert_eq!(common.data_dir, Path::new("from-file"));
        assert_eq!(options.limits.protocol().page_max, 7);
        assert_eq!(options.limits.protocol().page_default, 7);
    }
    let (common, options) = served(&["serve", "--config", &path, "--listen", "127.0.0.1:2"]);
    assert_eq!(listens(&options), "127.0.0.1:2");
    assert_eq!(common.data_dir, Path::new("from-file"));
}

#[test]
fn a_wrong_file_is_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for (text, expected) in [
        ("lsten = \"x\"", "\"lsten\" is no setting"),
        ("listen = [1]", "listen is text or a number"),
        ("listen = \"nonsense\"", "a port is missing"),
        ("a = 1\nb = ", "line 2"),
        ("limit-json-depth = 100000", "from 8 to 100"),
        ("config = \"x\"", "\"config\" is no setting"),
    ] {
        let path = file(&folder, text);
        let message = refused(&["--config", &path]);
        assert!(message.contains(expected), "{text}: {message}");
        assert!(message.contains("settings.toml"), "{message}");
    }
    assert!(refused(&["--config", "/nowhere/x.toml"]).contains("/nowhere/x.toml"));
}

#[test]
fn an_option_before_the_command_is_refused_unless_it_goes_with_every_command() {
    assert!(refused(&["--listen", "127.0.0.1:1", "serve"]).contains("before the command"));
    served(&["--data-dir", "d", "serve"]);
}

#[test]
fn addresses_that_cannot_be_meant_are_refused() {
    for listen in [
        "8443",
        "localhost",
        ":8443",
        "::1:8443",
        "localhost:http",
        "x:99999",
    ] {
        refused(&["--listen", listen]);
    }
    for listen in [
        "[::1]:8443",
        "localhost:8443",
        "0.0.0.0:0",
        "unix:/run/scim/http.sock",
        "127.0.0.1:1,unix:/run/scim/http.sock",
    ] {
        served(&["--listen", listen]);
    }
}

#[test]
fn a_database_password_is_in_no_debug_text() {
    let (common, _) = served(&["--database-url", "postgres://u:hunter2@host/db"]);
    assert_eq!(
        common.database_url().unwrap(),
        "postgres://u:hunter2@host/db"
    );
    assert!(!format!("{common:?}").contains("hunter2"));
}

#[test]
fn each_setting_says_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let text = "listen = \"127.0.0.1:1\"\ndata-dir = \"d\"\nlimit-page-max = 7\n\
        database-url = \"postgres://u:hunter2@host/db\"\n";
    let path = file(&folder, text);
    let settings = printed(&[
        "config",
        "print",
        "--config",
        &path,
        "--limit-page-max",
        "8",
    ]);
    let of = |name: &str| {
        let found = settings
            .iter()
            .find(|setting| setting.name == name)
            .unwrap();
        (found.value.as_deref(), found.origin)
    };
    assert_eq!(of("listen"), (Some("127.0.0.1:1"), Origin::File));
    assert_eq!(of("data-dir"), (Some("d"), Origin::File));
    assert_eq!(of("limit-page-max"), (Some("8"), Origin::Flag));
    assert_eq!(of("database-connections"), (Some("16"), Origin::Default));
    assert_eq!(of("tls-cert"), (None, Origin::Default));
    assert_eq!(of("config"), (Some(&*path), Origin::Flag));
    assert_eq!(
        of("database-url"),
        (Some("postgres://***@host/db"), Origin::File)
    );
    assert!(!settings.iter().any(|setting| setting.name == "json"));
    assert_eq!(of("key-file"), (Some("d/keyring.json"), Origin::Default));
    let here = "https://localhost:1";
    assert_eq!(of("public-url"), (Some(here), Origin::Default));
    let usual = printed(&["config", "print", "--data-dir", "d"]);
    let database = usual.iter().find(|one| one.name == "database-url").unwrap();
    assert_eq!(
        database.value.as_deref(),
        Some("sqlite:d/serviceops-scim.db")
    );
}

/// The lines of the example that are settings, whether commented out or not.
fn example_settings() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/serviceops-scim.toml");
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| line.trim_start_matches('#'));
    let settings = lines.filter(|line| {
        let name = line.split_once(" = ").map(|(name, _)| name);
        name.is_some_and(|name| !name.is_empty() && !name.contains(' '))
    });
    settings.map(str::to_owned).collect()
}

#[test]
fn the_example_names_every_setting_with_a_value_that_is_taken() {
    let lines = example_settings();
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, &lines.join("\n"));
    let settings = printed(&["config", "print", "--config", &path]);
    for setting in settings.iter().filter(|setting| setting.name != "config") {
        assert_eq!(setting.origin, Origin::File, "{} is missing", setting.name);
    }
    served(&["--config", &path]);
    // What is given as the default is the default.
    let usual = printed(&["config", "print"]);
    // Where others decide, the example cannot say it.
    let decided = ["database-url", "key-file", "public-url"];
    let usual = usual
        .iter()
        .filter(|setting| setting.value.is_some() && !decided.contains(&&*setting.name));
    for setting in usual {
        let told = settings
            .iter()
            .find(|told| told.name == setting.name)
            .unwrap();
        assert_eq!(told.value, setting.value, "{}", setting.name);
    }
}

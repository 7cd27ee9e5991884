//! The real server in a directory of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use engines::Engine;
use serde_json::Value;
use tempfile::TempDir;

use crate::client::Client;

/// The URL of a new database; `None` for the default.
fn new_database(engine: &Engine) -> Option<String> {
    let Engine::Postgres(server) = engine else {
        return None;
    };
    let name = format!("e2e_{}", uuid::Uuid::new_v4().simple());
    let output = Command::new("psql")
        .args([
            "-v",
            "ON_ERROR_STOP=1",
            "-qc",
            &format!("CREATE DATABASE {name}"),
        ])
        .arg(format!("{}/postgres", without_parameters(server)))
        .output()
        .expect("psql runs");
    assert!(output.status.success(), "{output:?}");
    // What the server alone is to know stands behind the database.
    Some(match server.split_once('?') {
        Some((server, parameters)) => format!("{server}/{name}?{parameters}"),
        None => format!("{server}/{name}"),
    })
}

/// A data directory and a database in which nothing is yet.
pub struct Place {
    data: TempDir,
    database: Option<String>,
}

impl Place {
    /// An empty directory, and an empty database where the engine has none in it.
    pub fn new(engine: &Engine) -> Self {
        Self {
            data: tempfile::tempdir().unwrap(),
            database: new_database(engine),
        }
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// A command on it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        command(self.data.path(), self.database.as_deref(), arguments)
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// A server on what is there.
    pub fn serve(self, options: &[&str]) -> Server {
        let mut server = Server {
            child: None,
            data: self.data,
            database: self.database,
            port: 0,
            base: String::new(),
        };
        server.restart_with(options);
        server
    }
}

fn command(data: &Path, database: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).arg("--data-dir").arg(data);
    if let Some(database) = database {
        command.args(["--database-url", database]);
    }
    command.env_remove("SERVICEOPS_SCIM_DATA_DIR");
    command
}

/// A running server. It is killed when it goes out of scope.
pub struct Server {
    child: Option<Child>,
    data: TempDir,
    database: Option<String>,
    /// The port on 127.0.0.1.
    pub port: u16,
    /// The base URL of SCIM.
    pub base: String,
}

/// A provisioning configuration that was just added.
pub struct Configuration {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// A client with its token.
    pub client: Client,
}

impl Server {
    /// Starts a server with an empty directory.
    pub fn start(engine: Engine) -> Self {
        Self::start_with(engine, &[])
    }

    /// Starts a server with an empty directory and further options.
    pub fn start_with(engine: Engine, options: &[&str]) -> Self {
        Place::new(&engine).serve(options)
    }

    /// Starts the server again on the data that is there, on a new port.
    pub fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// Starts the server again with further options.
    pub fn restart_with(&mut self, options: &[&str]) {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        // Tests ask as fast as they can.
        command.env("SERVICEOPS_SCIM_LIMIT_RATE", "1000000");
        command.args(options);
        let log = std::fs::File::create(self.data.path().join("server.log")).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn().expect("the server starts");
        let stdout = child.stdout.take().unwrap();
        let mut lines = BufReader::new(stdout).lines();
        let endpoint = lines.find_map(|line| {
            let line = line.ok()?;
            let at = line.find("https://")?;
            Some(line[at..].trim().to_owned())
        });
        self.child = Some(child);
        let endpoint = endpoint.unwrap_or_else(|| panic!("no endpoint; {}", self.log()));
        // What else is printed must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let port = endpoint.rsplit_once(':').unwrap().1;
        self.port = port.split('/').next().unwrap().parse().unwrap();
        self.base = format!("https://127.0.0.1:{}/api/scim/v2", self.port);
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        let client = Client::new(&self.base, "");
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(30) {
            let url = format!("https://127.0.0.1:{}/readyz", self.port);
            if client
                .try_send("GET", &url, &[], None)
                .is_ok_and(|a| a.status == 200)
            {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server is not ready; {}", self.log());
    }

    /// The server's data directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The URL of the server's database, where it has none in its data directory.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("server.log")).unwrap_or_default()
    }

    /// Kills the server as a power failure would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks the server to stop, and answers its exit code; `None` when it does not end.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        for _ in 0..600 {
            if let Some(ended) = self.child.as_mut()?.try_wait().unwrap() {
                self.child = None;
                return ended.code();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }

    /// Waits until the server ends by itself, and answers its exit code; `None` when it does not.
    pub fn ended(&mut self) -> Option<i32> {
        for _ in 0..300 {
            if let Some(ended) = self.child.as_mut()?.try_wait().unwrap() {
                self.child = None;
                return ended.code();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }

    /// Sends the server a signal.
    pub fn signal(&self, name: &str) {
        let process = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// Changes the database behind the server's back.
    pub fn sql(&self, statement: &str) {
        let output = match &self.database {
            Some(database) => psql(database, statement),
            None => Command::new("python3")
                .args(["-c", SQLITE, statement])
                .arg(self.data.path().join("serviceops-scim.db"))
                .output()
                .expect("python3 runs"),
        };
        assert!(output.status.success(), "{output:?}");
    }

    /// A command on this server's data.
    pub fn command(&self, arguments: &[&str]) -> Command {
        command(self.data.path(), self.database.as_deref(), arguments)
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_input(arguments, "")
    }

    /// Runs a command with this standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed and print JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {output:?}"))
    }

    /// What a command lists, which must be the whole list.
    #[track_caller]
    pub fn items(&self, arguments: &[&str]) -> Value {
        let mut listed = self.json(arguments);
        assert_eq!(listed["next"], Value::Null, "{arguments:?}");
        listed["items"].take()
    }

    /// Adds a configuration for users and groups.
    pub fn configuration(&self, name: &str) -> Configuration {
        self.configuration_with(name, &["--users", "--groups"])
    }

    /// Adds a configuration with further options.
    pub fn configuration_with(&self, name: &str, options: &[&str]) -> Configuration {
        let mut arguments = vec!["configuration", "add", "--name", name, "--json"];
        arguments.extend(options);
        let added = self.json(&arguments);
        let token = added["token"]["value"].as_str().unwrap();
        Configuration {
            id: added["id"].as_str().unwrap().to_owned(),
            name: name.to_owned(),
            client: Client::new(&self.base, token),
        }
    }

    /// A client of a new configuration.
    pub fn client(&self) -> Client {
        self.configuration("Test").client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

/// A URL without what psql does not know.
fn without_parameters(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

fn psql(database: &str, statement: &str) -> Output {
    let database = without_parameters(database);
    Command::new("psql")
        .args(["-v", "ON_ERROR_STOP=1", "-qc", statement, database])
        .output()
        .expect("psql runs")
}

/// The server's binary: the one that is named, else the newest that cargo built.
pub fn binary() -> PathBuf {
    match std::env::var("SERVICEOPS_SCIM_BIN") {
        Ok(named) => PathBuf::from(named),
        Err(_) => newest("serviceops-scim"),
    }
}

/// The binary of an example: the one beside the named server, else the newest that cargo built.
pub fn example(name: &str) -> PathBuf {
    let server = std::env::var_os("SERVICEOPS_SCIM_BIN").map(PathBuf::from);
    let beside = server.map(|server| server.with_file_name(name));
    let beside = beside.filter(|path| path.exists());
    beside.unwrap_or_else(|| newest(name))
}

fn newest(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let built = ["debug", "release"]
        .map(|profile| target.join(profile).join(name))
        .into_iter()
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)));
    let newest = built.max_by_key(|(modified, _)| *modified);
    newest
        .unwrap_or_else(|| panic!("build {name} first: cargo build --workspace"))
        .1
}

const SQLITE: &str = "\
import sqlite3, sys
connection = sqlite3.connect(sys.argv[2], timeout=30)
with connection:
    connection.executescript(sys.argv[1])
";

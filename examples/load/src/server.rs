//! Servers that this program starts.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Failed;
use crate::database::Place;
use crate::http::Target;

/// A server with a data directory of its own.
pub(crate) struct Server {
    binary: PathBuf,
    data: PathBuf,
    place: Place,
    options: Vec<String>,
    running: Option<Running>,
}

/// A process that listens, which ends with this.
pub(crate) struct Running {
    child: Child,
    pub(crate) port: u16,
}

impl Running {
    /// Starts a command, and waits for the line in which it says where it listens.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failed> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(out).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            let (_, address) = line.split_once("https://")?;
            let (_, port) = address.trim().split_once(':')?;
            port.split('/').next()?.parse().ok()
        });
        // What else is printed must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let running = port.map(|port| (child, port));
        let (child, port) = running.ok_or("it does not say where it listens")?;
        Ok(Self { child, port })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

impl Server {
    pub(crate) fn new(binary: &Path, data: &Path, place: Place, options: &[String]) -> Self {
        Self {
            binary: binary.to_owned(),
            data: data.to_owned(),
            place,
            options: options.to_vec(),
            running: None,
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--data-dir").arg(&self.data);
        if let Place::Postgres(url) = &self.place {
            command.args(["--database-url", url]);
        }
        command
    }

    /// Starts it, again if it runs, and answers how long it takes until it is ready.
    pub(crate) fn start(&mut self) -> Result<Duration, Failed> {
        self.running = None;
        let log = File::create(self.data.join("server.log"))?;
        let began = Instant::now();
        let mut command = self.command();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            // What is measured is what a request costs, not who may send how many.
            .args(["--limit-rate", "1000000"])
            .args(&self.options)
            .stderr(log);
        let running = Running::start(&mut command)?;
        let target = Target::local(running.port, "", "")?;
        let mut connection = target.connect()?;
        let ready = target.request("GET", "/readyz", "");
        while connection.send(&ready)?.status != 200 {
            if began.elapsed() > PATIENCE {
                return Err("the server is not ready".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.running = Some(running);
        Ok(began.elapsed())
    }

    pub(crate) fn running(&self) -> Result<&Running, Failed> {
        self.running
            .as_ref()
            .ok_or_else(|| "it does not run".into())
    }

    /// Adds a configuration whose guard counts who leaves and holds nobody, and answers its token.
    pub(crate) fn configuration(&self, name: &str) -> Result<String, Failed> {
        let output = self
            .command()
            .args(["configuration", "add", "--users", "--groups", "--json"])
            .args(["--guard-count", "1", "--guard-percent", "100"])
            .args(["--name", name])
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let added: Value = serde_json::from_slice(&output.stdout)?;
        let token = added.pointer("/token/value").and_then(Value::as_str);
        Ok(token.ok_or("no token")?.to_owned())
    }

    /// Certificate and key that it made.
    pub(crate) fn certificate(&self) -> (PathBuf, PathBuf) {
        let tls = self.data.join("tls");
        (tls.join("certificate.pem"), tls.join("key.pem"))
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

//! A receiver of the feed that keeps a copy of the directory in a file, and compares it with the
//! directory when asked.
//!
//! It may be killed at any time, and so may the server: the copy and the position up to which it
//! goes are written together, so that what was not written is asked for again.

mod copy;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::TlsConfig;

use copy::Copy;

/// What went wrong.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Follows the feed and keeps a copy of the directory.
#[derive(Debug, Parser)]
struct Options {
    /// The feed, such as `https://scim.example.com/api/feed/v1`.
    #[arg(long)]
    url: String,
    /// The secret of a stream that was added with `stream add NAME --read`.
    #[arg(long, env = "FEED_KEY")]
    key: String,
    /// The file of the copy.
    #[arg(long)]
    state: PathBuf,
    /// Take any certificate of the server.
    #[arg(long)]
    insecure: bool,
    /// End when there is nothing new, and compare the copy with the directory.
    #[arg(long)]
    compare: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, Failed> {
    let server = Server::new(options)?;
    let mut copy = match Copy::read(&options.state)? {
        Some(copy) => copy,
        None => keep(options, server.patiently(Server::snapshot)?)?,
    };
    let mut compared = 0;
    loop {
        match server.patiently(|server| server.changes(copy.position(), !options.compare))? {
            Answer::Changes(page) => {
                let told = copy.apply(&page)?;
                copy = keep(options, copy)?;
                if told == 0 && options.compare {
                    // What is in the directory by now may be in the feed a moment later.
                    let differences = copy.differences(&server.snapshot()?);
                    compared += 1;
                    if differences.is_empty() || compared == COMPARISONS {
                        return Ok(report(&copy, &differences));
                    }
                    std::thread::sleep(PAUSE);
                }
            }
            // It was away for too long, or the server was restored.
            Answer::SnapshotRequired => {
                copy = keep(options, server.patiently(Server::snapshot)?)?;
            }
        }
    }
}

fn keep(options: &Options, copy: Copy) -> Result<Copy, Failed> {
    copy.write(&options.state)?;
    Ok(copy)
}

fn report(copy: &Copy, differences: &[String]) -> ExitCode {
    for difference in differences {
        println!("{difference}");
    }
    println!("{} rows, {} differences", copy.rows(), differences.len());
    match differences.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The server of the feed.
struct Server {
    agent: Agent,
    url: String,
    authorization: String,
}

/// What the server answers to somebody who asks for changes.
enum Answer {
    Changes(Value),
    SnapshotRequired,
}

impl Server {
    fn new(options: &Options) -> Result<Self, Failed> {
        // There is one provider of cryptography in this process.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let trust = TlsConfig::builder().disable_verification(options.insecure);
        let config = Agent::config_builder()
            .tls_config(trust.build())
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT));
        Ok(Self {
            agent: config.build().new_agent(),
            url: options.url.trim_end_matches('/').to_owned(),
            authorization: format!("Bearer {}", options.key),
        })
    }

    /// Asks again and again until the server answers.
    fn patiently<T>(&self, ask: impl Fn(&Self) -> Result<T, Failed>) -> Result<T, Failed> {
        let mut tries = 0;
        loop {
            match ask(self) {
                Err(error) if tries < TRIES => {
                    eprintln!("the server does not answer: {error}");
                    tries += 1;
                    std::thread::sleep(PAUSE);
                }
                done => return done,
            }
        }
    }

    fn ask(&self, path: &str) -> Result<(u16, String), Failed> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let mut answer = request
            .header("authorization", &self.authorization)
            .call()?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(LONGEST);
        Ok((status, body.read_to_string()?))
    }

    fn changes(&self, after: i64, waits: bool) -> Result<Answer, Failed> {
        let wait = if waits { 20 } else { 0 };
        match self.ask(&format!("/changes?after={after}&limit=500&wait={wait}"))? {
            (200, body) => Ok(Answer::Changes(serde_json::from_str(&body)?)),
            (410, _) => Ok(Answer::SnapshotRequired),
            (status, body) => Err(format!("{status} {body}").into()),
        }
    }

    fn snapshot(&self) -> Result<Copy, Failed> {
        match self.ask("/snapshot")? {
            (200, lines) => Copy::of_snapshot(&lines),
            (status, body) => Err(format!("{status} {body}").into()),
        }
    }
}

const TIMEOUT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);
/// How often a copy is compared with a directory that is ahead of it.
const COMPARISONS: usize = 100;
/// For how many pauses a server may be away.
const TRIES: usize = 300;
const LONGEST: u64 = 1 << 32;

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
                    let directory = server.patiently(Server::directory)?;
                    let differences = copy.differences(&directory);
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

    /// Asks again and again until the server answers, unless asking again changes nothing.
    fn patiently<T>(&self, ask: impl Fn(&Self) -> Result<T, Unanswered>) -> Result<T, Failed> {
        let mut tries = 0;
        loop {
            match ask(self) {
                Err(Unanswered::Later(error, pause)) if tries < TRIES => {
                    eprintln!("the server does not answer: {error}");
                    tries += 1;
                    std::thread::sleep(pause);
                }
                Err(Unanswered::Later(error, _) | Unanswered::Ended(error)) => return Err(error),
                Ok(done) => return Ok(done),
            }
        }
    }

    fn ask(&self, path: &str) -> Result<(u16, String), Unanswered> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request = request.header("authorization", &self.authorization);
        let mut answer = request.call().map_err(Unanswered::lost)?;
        let status = answer.status().as_u16();
        let wait = answer.headers().get("retry-after");
        let wait = wait.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        let body = answer.body_mut().with_config().limit(LONGEST);
        let body = body.read_to_string().map_err(Unanswered::lost)?;
        match status {
            200 | 410 => Ok((status, body)),
            // A wrong query or key stays wrong.
            400 | 401 | 403 | 404 | 405 => Err(Unanswered::ended(format!("{status} {body}"))),
            _ => {
                let pause = wait.map_or(PAUSE, Duration::from_secs);
                Err(Unanswered::Later(format!("{status} {body}").into(), pause))
            }
        }
    }

    fn changes(&self, after: i64, waits: bool) -> Result<Answer, Unanswered> {
        let wait = if waits { 20 } else { 0 };
        match self.ask(&format!("/changes?after={after}&limit=500&wait={wait}"))? {
            (200, body) => {
                let page = serde_json::from_str(&body).map_err(Unanswered::ended)?;
                Ok(Answer::Changes(page))
            }
            _ => Ok(Answer::SnapshotRequired),
        }
    }

    fn snapshot(&self) -> Result<Copy, Unanswered> {
        match self.ask("/snapshot")? {
            (200, lines) => Copy::of_snapshot(&lines).map_err(Unanswered::ended),
            (status, body) => Err(Unanswered::ended(format!("{status} {body}"))),
        }
    }

    /// The directory for a comparison. A snapshot that begins stands for everything before it; one
    /// that goes on, here behind nothing, tells the server of nothing that the copy would have.
    fn directory(&self) -> Result<Copy, Unanswered> {
        match self.ask("/snapshot?after=custom_field:")? {
            (200, lines) => Copy::of_rows(0, lines.lines()).map_err(Unanswered::ended),
            (status, body) => Err(Unanswered::ended(format!("{status} {body}"))),
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
enum Unanswered {
    /// There may be one later, after a pause.
    Later(Failed, Duration),
    /// There will be none.
    Ended(Failed),
}

impl Unanswered {
    fn lost(error: ureq::Error) -> Self {
        Self::Later(error.into(), PAUSE)
    }

    fn ended(error: impl Into<Failed>) -> Self {
        Self::Ended(error.into())
    }
}

const TIMEOUT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);
/// How often a copy is compared with a directory that is ahead of it.
const COMPARISONS: usize = 100;
/// For how many pauses a server may be away.
const TRIES: usize = 300;
const LONGEST: u64 = 1 << 32;

//! A hostile provisioning configuration beside a well-behaved one.
//!
//! The well-behaved one sends the ordinary requests of an identity provider at an even pace, first
//! alone, then beside each hostile input in turn. What is printed is what it felt: how long its
//! answers took, and how many of its requests failed.

mod client;
mod hostile;
mod measure;
mod sender;

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::json;

use client::{Client, Failed};
use hostile::{Input, Target};
use measure::{Phase, Samples, peak_memory};
use sender::{Order, Sender};

/// Measures what a well-behaved configuration feels of a hostile one.
///
/// Exit status: 0 when no request of the well-behaved configuration failed, 1 when one did or the
/// server cannot be used, 2 for wrong usage.
#[derive(Debug, Parser)]
#[command(name = "noisy-neighbour", version)]
struct Options {
    /// Base URL of the service provider, such as https://localhost:8443/api/scim/v2
    #[arg(long, value_name = "URL")]
    base: String,

    /// Authentication token of the well-behaved configuration
    #[arg(long, value_name = "TOKEN")]
    token: String,

    /// Authentication token of the hostile configuration
    #[arg(long, value_name = "TOKEN")]
    hostile_token: String,

    /// Accept every server certificate
    #[arg(long)]
    insecure: bool,

    /// How many seconds each input is sent for
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// How many requests a second the well-behaved configuration sends
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pace: u32,

    /// How many connections the hostile configuration keeps busy
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,

    /// How many users the hostile configuration has, and members its group
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    users: u32,

    /// Only the inputs whose name has this in it
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,

    /// The server's process, to tell the most memory that it had (Linux)
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
}

fn main() -> ExitCode {
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        eprintln!("noisy-neighbour: the TLS library is not usable");
        return ExitCode::FAILURE;
    }
    if sender::is_sender() {
        return match sender::send() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("noisy-neighbour: {error}");
                ExitCode::FAILURE
            }
        };
    }
    match run(&Options::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("{failed} requests of the well-behaved configuration failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("noisy-neighbour: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures every phase, and answers how many requests of the well-behaved configuration failed.
fn run(options: &Options) -> Result<usize, Failed> {
    let client = |token: &str| Client::new(&options.base, token, options.insecure);
    let quiet = Quiet::prepare(client(&options.token))?;
    let target = Target::prepare(&client(&options.hostile_token), options.users)?;
    println!("| hostile input | its answers | p50 ms | p99 ms | worst ms | failed | of | MiB |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut failed = 0;
    let mut show = |name: &str, phase: &Phase| {
        let memory = options.pid.and_then(peak_memory);
        println!("{}", phase.row(name, memory));
        failed += phase.felt.failed();
    };
    show("(none)", &phase(options, &quiet, None)?);
    for input in Input::ALL {
        if !input.name().contains(&options.only) {
            continue;
        }
        let order = Order {
            base: options.base.clone(),
            token: options.hostile_token.clone(),
            insecure: options.insecure,
            connections: options.connections,
            input,
            target: target.clone(),
        };
        show(input.name(), &phase(options, &quiet, Some(&order))?);
    }
    show("(none, afterwards)", &phase(options, &quiet, None)?);
    Ok(failed)
}

/// One measurement: the well-behaved configuration at its pace, and the hostile one, if any, as
/// fast as it is answered.
fn phase(options: &Options, quiet: &Quiet, hostile: Option<&Order>) -> Result<Phase, Failed> {
    let sender = hostile.map(Sender::start).transpose()?;
    let felt = quiet.send(options.pace, Duration::from_secs(options.seconds));
    let answers = sender.map(Sender::stop).transpose()?.unwrap_or_default();
    Ok(Phase { felt, answers })
}

/// The well-behaved configuration.
struct Quiet {
    client: Client,
    users: Vec<String>,
    group: String,
}

impl Quiet {
    fn prepare(client: Client) -> Result<Self, Failed> {
        let users = (0..USERS)
            .map(|at| client.create("/Users", json!({ "userName": quiet_name(at) })))
            .collect::<Result<Vec<_>, _>>()?;
        let group = client.create("/Groups", json!({ "displayName": client::unique("quiet") }))?;
        Ok(Self {
            client,
            users,
            group,
        })
    }

    /// Sends at an even pace; a request that is answered late does not hold back the next ones.
    fn send(&self, pace: u32, time: Duration) -> Samples {
        let began = Instant::now();
        let step = Duration::from_secs(1) / pace;
        let lanes = LANES;
        thread::scope(|scope| {
            let senders: Vec<_> = (0..lanes)
                .map(|lane| {
                    scope.spawn(move || {
                        let mut felt = Samples::default();
                        let mut at = lane;
                        loop {
                            let due = began + step * at;
                            if due >= began + time {
                                return felt;
                            }
                            thread::sleep(due.saturating_duration_since(Instant::now()));
                            if let Some(call) = self.call(at) {
                                // From when it was due: waiting for a slow answer counts.
                                felt.add(&self.client.timed_since(due, &call));
                            }
                            at += lanes;
                        }
                    })
                })
                .collect();
            let mut felt = Samples::default();
            for sender in senders {
                felt.merge(sender.join().unwrap_or_default());
            }
            felt
        })
    }

    /// The next request in the mix of a cycle: look-ups, reads, changes, members, joiners.
    fn call(&self, at: u32) -> Option<client::Call> {
        let user = self.users.get(at as usize % self.users.len().max(1))?;
        Some(match at % 5 {
            0 => client::Call::get(format!(
                "/Users?filter=userName%20eq%20%22{}%22",
                client::unique("nobody")
            )),
            1 => client::Call::get(format!("/Users/{user}")),
            2 => client::Call::patch(
                format!("/Users/{user}"),
                &json!([{ "op": "replace", "path": "title", "value": format!("Title {at}") }]),
            ),
            3 => client::Call::patch(
                format!("/Groups/{}", self.group),
                &json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]),
            ),
            _ => client::Call::post(
                "/Users".to_owned(),
                &json!({ "userName": client::unique("joiner") }),
            ),
        })
    }
}

fn quiet_name(at: u32) -> String {
    client::unique(&format!("quiet-{at}"))
}

const USERS: u32 = 200;
/// More lanes than requests that can be late at once, so that the pace is kept.
const LANES: u32 = 16;

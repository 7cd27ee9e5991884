//! Measures the server; see the README of the examples.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use load::database::Place;
use load::report::{self, Options};
use load::seed::{self, Speaker};
use load::{Failed, bare};

/// Measures what requests cost the server.
#[derive(Debug, Parser)]
#[command(name = "load", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts a server, fills it, runs every workload, and prints the table.
    ///
    /// Exit status: 0 when every answer was what it must be, 1 when one was not or the server
    /// cannot be used, 2 for wrong usage.
    Report(Report),
    /// Adds many users to the configuration of a token, beside a server that runs.
    Seed(Seed),
    /// Answers the files of a folder over TLS: what `report` compares reads with.
    Bare {
        /// The folder
        bodies: PathBuf,
        /// Certificate
        certificate: PathBuf,
        /// Its private key
        key: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Report {
    /// The server's binary
    #[arg(
        long,
        value_name = "FILE",
        default_value = "target/release/serviceops-scim"
    )]
    server: PathBuf,

    /// Further options of the server, such as --option=--database-connections=32
    #[arg(long = "option", value_name = "OPTION")]
    options: Vec<String>,

    /// Measures on PostgreSQL as well: its server, without a database (postgres://user@host:port)
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,

    /// Measures on PostgreSQL alone
    #[arg(long, requires = "postgres")]
    no_sqlite: bool,

    /// How many users there are
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = between::<100, 5_000_000>)]
    users: usize,

    /// How many groups of five members there are
    #[arg(long, value_name = "N", default_value_t = 200)]
    groups: usize,

    /// How many users the initial cycle brings
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = between::<1, 1_000_000>)]
    cycle: usize,

    /// How many connections send requests; creates come from eight times as many as well
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = between::<1, 64>)]
    connections: usize,

    /// How many seconds each workload takes
    #[arg(long, value_name = "N", default_value_t = 5)]
    seconds: u64,

    /// How many requests of each workload are sent at most
    #[arg(long, value_name = "N", default_value_t = usize::MAX)]
    requests: usize,

    /// Only the workloads whose name has this in it; those that it is compared with are not run
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

#[derive(Debug, Args)]
struct Seed {
    /// The port on which the server listens on this machine
    #[arg(long, default_value_t = 8443)]
    port: u16,

    /// Authentication token of the configuration
    #[arg(long, env = "SCIM_TOKEN", hide_env_values = true)]
    token: String,

    /// The server's database: sqlite:PATH or postgres://...
    #[arg(long, value_name = "URL")]
    database_url: String,

    /// How many users
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    users: usize,
}

fn between<const LEAST: usize, const MOST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (LEAST..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("it is a number from {LEAST} to {MOST}")),
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            eprintln!("{wrong} answers were not what they must be");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers how many answers were not what they must be.
fn run(command: Command) -> Result<u64, Failed> {
    match command {
        Command::Report(report) => {
            let engines = [
                (!report.no_sqlite).then_some(None),
                report.postgres.clone().map(Some),
            ];
            let mut wrong = 0;
            for postgres in engines.into_iter().flatten() {
                wrong += report::run(&Options {
                    server: report.server.clone(),
                    options: report.options.clone(),
                    postgres,
                    users: report.users,
                    groups: report.groups,
                    cycle: report.cycle,
                    connections: report.connections,
                    time: Duration::from_secs(report.seconds),
                    requests: report.requests,
                    only: report.only.clone(),
                })?;
            }
            Ok(wrong)
        }
        Command::Seed(seed) => {
            let place = match seed.database_url.strip_prefix("sqlite:") {
                Some(path) => Place::Sqlite(path.into()),
                None => Place::Postgres(seed.database_url.clone()),
            };
            let speaker = Speaker {
                port: seed.port,
                token: seed.token,
            };
            seed::users(&speaker, &place, seed.users)?;
            Ok(0)
        }
        Command::Bare {
            bodies,
            certificate,
            key,
        } => bare::serve(&bodies, &certificate, &key).map(|()| 0),
    }
}

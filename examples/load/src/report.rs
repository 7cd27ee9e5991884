//! One run on one engine: a server, its users, every workload, the limits, and the table.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::closed::{self, Bound};
use crate::cycle::{self, Size};
use crate::database::Place;
use crate::http::Target;
use crate::rows::Pattern;
use crate::seed::{self, SCIM, Speaker};
use crate::server::{Running, Server};
use crate::table::{Compared, HEADING, Limit, Row};
use crate::workload::{SMALLEST, Workload, World};
use crate::{Failed, process, raw};

/// How a run is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server's binary.
    pub server: PathBuf,
    /// Further options of the server.
    pub options: Vec<String>,
    /// A server of PostgreSQL, without a database; SQLite without it.
    pub postgres: Option<String>,
    /// How many users there are.
    pub users: usize,
    /// How many groups of five members there are beside those that are measured.
    pub groups: usize,
    /// How many users the initial cycle brings.
    pub cycle: usize,
    /// How many connections send requests; creates come from eight times as many as well.
    pub connections: usize,
    /// How long each workload takes, at most.
    pub time: Duration,
    /// How many requests of each workload are sent, at most.
    pub requests: usize,
    /// Only the workloads whose name has this in it.
    pub only: String,
}

/// Measures, prints the table, and answers how many answers were not what they must be.
///
/// # Errors
/// When the server or the database cannot be used.
pub fn run(options: &Options) -> Result<u64, Failed> {
    let data = tempfile::tempdir()?;
    let place = match &options.postgres {
        None => Place::Sqlite(data.path().join("serviceops-scim.db")),
        Some(server) => Place::Postgres(format!("{server}/{}", new_database(server)?)),
    };
    let mut server = Server::new(
        &options.server,
        data.path(),
        place.clone(),
        &options.options,
    );
    let result = measure(options, &mut server, &place, data.path());
    drop(server);
    if let (Some(server), Place::Postgres(url)) = (&options.postgres, &place) {
        let name = url.rsplit('/').next().unwrap_or_default();
        let mut all = Place::Postgres(format!("{server}/postgres")).connect()?;
        all.run(&format!("DROP DATABASE {name} WITH (FORCE)"))?;
    }
    result
}

fn new_database(server: &str) -> Result<String, Failed> {
    let name = format!("load_{}", uuid::Uuid::new_v4().simple());
    let mut all = Place::Postgres(format!("{server}/postgres")).connect()?;
    all.run(&format!("CREATE DATABASE {name}"))?;
    Ok(name)
}

fn measure(
    options: &Options,
    server: &mut Server,
    place: &Place,
    data: &Path,
) -> Result<u64, Failed> {
    server.start()?;
    let token = server.configuration("load")?;
    let port = server.running()?.port;
    let began = Instant::now();
    let speaker = Speaker { port, token };
    let pattern = seed::users(&speaker, place, options.users)?;
    let mut world = World {
        users: options.users + 1,
        groups: Vec::new(),
        run: uuid::Uuid::new_v4().simple().to_string(),
    };
    groups(&speaker, options, &mut world)?;
    let filled = began.elapsed();
    let ready = server.start()?;
    let running = server.running()?;
    let rest = process::memory(running.pid()).unwrap_or(0);
    println!("{}", machine(options));
    println!(
        "\n{} users, filled in {:.0} s; the server is ready after {} ms and takes {} MiB; the \
         database takes {} MiB.\n",
        world.users,
        filled.as_secs_f64(),
        ready.as_millis(),
        rest / 1024,
        place.size()? >> 20,
    );
    println!("{HEADING}");
    let run = Run {
        options,
        place: place.clone(),
        server,
        target: Target::local(running.port, SCIM, &speaker.token)?,
        world,
        pattern,
        bodies: data.join("bodies"),
        rows: HashMap::new(),
        wrong: 0,
    };
    run.all()
}

/// The groups of which members are added and taken out, and some others.
fn groups(speaker: &Speaker, options: &Options, world: &mut World) -> Result<(), Failed> {
    let target = Target::local(speaker.port, SCIM, &speaker.token)?;
    let mut connection = target.connect()?;
    for size in [SMALLEST, 1_000, 100_000] {
        let size = size.min(world.users / 2);
        if world.groups.iter().any(|(other, _)| *other == size) {
            continue;
        }
        let id = seed::group(
            &mut connection,
            &target,
            &format!("group of {size}"),
            1..=size,
        )?;
        world.groups.push((size, id));
    }
    for at in 0..options.groups {
        // Each of other people, as far as there are any.
        let members = (0..5).map(|number| (5 * at + number) % world.users + 1);
        seed::group(&mut connection, &target, &format!("group {at}"), members)?;
    }
    Ok(())
}

fn machine(options: &Options) -> String {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = text("/proc/cpuinfo");
    let cores = cpu.lines().filter(|line| line.starts_with("processor"));
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.unwrap_or("an unknown processor");
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let kernel = text("/proc/sys/kernel/osrelease");
    let engine = match options.postgres {
        Some(_) => "PostgreSQL",
        None => "SQLite",
    };
    format!(
        "{engine} on {} cores of {model}, Linux {}",
        cores.count(),
        kernel.trim()
    )
}

struct Run<'r> {
    options: &'r Options,
    place: Place,
    server: &'r Server,
    target: Target,
    world: World,
    /// The user of whom the others are copies.
    pattern: String,
    /// The answers that the bare handler gives.
    bodies: PathBuf,
    rows: HashMap<String, Row>,
    wrong: u64,
}

impl Run<'_> {
    fn bound(&self) -> Bound {
        Bound {
            time: self.options.time,
            requests: self.options.requests,
        }
    }

    fn all(mut self) -> Result<u64, Failed> {
        let chosen = Workload::ALL.into_iter().filter(|workload| {
            let name = workload.name(&self.world);
            workload.fits(&self.world) && name.contains(&self.options.only)
        });
        let chosen: Vec<_> = chosen.collect();
        for (name, body) in self.bodies_of(&chosen)? {
            fs::create_dir_all(&self.bodies)?;
            fs::write(self.bodies.join(name), body)?;
        }
        let bare = self.bare(&chosen)?;
        for workload in chosen {
            let raw = match workload {
                Workload::Create => Some(self.raw()?),
                _ => None,
            };
            let limit = self.limit(workload, &bare, raw);
            self.workload(workload, self.connections(workload), limit)?;
            if workload == Workload::Create {
                self.workload(workload, self.options.connections * 8, limit)?;
            }
        }
        if "initial cycle".contains(&self.options.only) {
            self.cycle()?;
        }
        println!(
            "\nAfterwards the database takes {} MiB.\n",
            self.place.size()? >> 20
        );
        Ok(self.wrong)
    }

    fn connections(&self, workload: Workload) -> usize {
        match workload.is_alone() {
            true => 1,
            false => self.options.connections,
        }
    }

    /// What the server answers to those that are compared with a bare handler.
    fn bodies_of(&self, chosen: &[Workload]) -> Result<Vec<(String, Vec<u8>)>, Failed> {
        use crate::closed::Lane;
        let mut connection = self.target.connect()?;
        let mut bodies = Vec::new();
        for workload in chosen.iter().filter(|workload| has_bare(**workload)) {
            let mut lanes = workload.lanes(&self.world, &self.target, 1);
            let call = lanes.first_mut().and_then(Lane::next).ok_or("no request")?;
            let answer = connection.send(&call.request)?;
            bodies.push((file(*workload, &self.world), answer.body.to_vec()));
        }
        Ok(bodies)
    }

    /// What each of these answers costs a handler that has it.
    fn bare(&mut self, chosen: &[Workload]) -> Result<HashMap<String, Duration>, Failed> {
        let mut each = HashMap::new();
        let measured = chosen.iter().filter(|workload| has_bare(**workload));
        let measured: Vec<_> = measured.copied().collect();
        if measured.is_empty() {
            return Ok(each);
        }
        let (certificate, key) = self.server.certificate();
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("bare")
            .arg(&self.bodies)
            .args([certificate, key]);
        let running = Running::start(&mut command)?;
        for workload in measured {
            let file = file(workload, &self.world);
            let target = Target::local(running.port, "", "")?;
            let connections = self.connections(workload);
            let lanes =
                (0..connections).map(|_| Same(target.request("GET", &format!("/{file}"), "")));
            let before = process::processor(running.pid());
            let outcome = closed::run(&target, lanes.collect(), self.bound())?;
            let name = format!("bare: {}", workload.name(&self.world));
            let mut row = Row::new(name, connections, &outcome, 1);
            row.server = process::processor(running.pid()).saturating_sub(before);
            self.note_wrong(&row.name, &outcome);
            println!("{row}");
            each.insert(file, row.each());
        }
        Ok(each)
    }

    /// What the rows of a create cost without anything else.
    fn raw(&self) -> Result<Duration, Failed> {
        let pattern = Pattern::of(&mut self.place.connect()?, &self.pattern)?;
        let bound = self.bound();
        let written = raw::write(&pattern, &self.place, bound.time, bound.requests)?;
        let row = Row {
            name: "raw: create".to_owned(),
            connections: 1,
            operations: u64::from(written.creates),
            elapsed: written.elapsed,
            latency: None,
            server: written.processor,
            database: Duration::ZERO,
            memory: None,
            compared: None,
        };
        println!("{row}");
        Ok(row.each())
    }

    /// What a workload is compared with, and the goal.
    fn limit(
        &self,
        workload: Workload,
        bare: &HashMap<String, Duration>,
        raw: Option<Duration>,
    ) -> Option<Compared> {
        let other = |name: &'static str| {
            let of = self.rows.get(name)?.each();
            Some((Limit::Other(name), of))
        };
        let to_bare = || Some((Limit::Bare, *bare.get(&file(workload, &self.world))?));
        let (limit, goal) = match workload {
            Workload::GetUser | Workload::GroupAlone => (to_bare(), 5.0),
            Workload::MatchUserName | Workload::MatchExternalId | Workload::MatchEmail => {
                (to_bare(), 6.0)
            }
            Workload::FirstPage => (to_bare(), 2.5),
            // Of the same statements 60 %.
            Workload::Create => (raw.map(|of| (Limit::Raw, of)), 1.67),
            Workload::Patch | Workload::Put | Workload::Deactivate => (other("create"), 1.3),
            Workload::Bulk => (other("create"), 0.35),
            Workload::OneMember(1 | 2) => (other("one member of 10"), 1.2),
            Workload::DeepPage | Workload::CursorPages | Workload::Sorted(_) => {
                (other("page of 100, the first"), 1.2)
            }
            _ => (None, 0.0),
        };
        limit.map(|(limit, of)| Compared { limit, of, goal })
    }

    fn workload(
        &mut self,
        workload: Workload,
        connections: usize,
        compared: Option<Compared>,
    ) -> Result<(), Failed> {
        let totals = self.totals()?;
        let lanes = workload.lanes(&self.world, &self.target, connections);
        let (target, bound) = (self.target.clone(), self.bound());
        let (outcome, spent) = self.spending(|| closed::run(&target, lanes, bound))?;
        let outcome = outcome?;
        let name = workload.name(&self.world);
        let row = Row {
            compared,
            ..spent.of(Row::new(name, connections, &outcome, workload.units()))
        };
        println!("{row}");
        self.note_wrong(&row.name, &outcome);
        let (users, groups) = workload.adds();
        let requests = outcome.requests();
        let expected = [totals[0] + users * requests, totals[1] + groups * requests];
        if self.totals()? != expected {
            eprintln!(
                "{}: {:?} users and groups, not {expected:?}",
                row.name,
                self.totals()?
            );
            self.wrong += 1;
        }
        if requests == 0 {
            eprintln!("{}: nothing was sent", row.name);
            self.wrong += 1;
        }
        // Names must be new each time.
        self.world.run = uuid::Uuid::new_v4().simple().to_string();
        self.rows.entry(row.name.clone()).or_insert(row);
        Ok(())
    }

    fn note_wrong(&mut self, name: &str, outcome: &closed::Outcome) {
        for (status, count) in &outcome.wrong {
            eprintln!("{name}: {count} answers with {status} are not what was asked for");
            self.wrong += count;
        }
    }

    fn cycle(&mut self) -> Result<(), Failed> {
        let token = self.server.configuration("cycle")?;
        let target = self.target.with_token(&token);
        let size = Size {
            users: self.options.cycle,
            connections: self.options.connections,
        };
        let run = self.world.run.clone();
        let began = Instant::now();
        let (done, spent) = self.spending(|| cycle::run(&target, size, &run))?;
        done?;
        let elapsed = began.elapsed();
        let each = |name: &str| Some(self.rows.get(name)?.each());
        let parts = || {
            let user = [each("match externalId")?, each("create")?];
            let group = [each("create a group")?, each("100 members in one PATCH")?];
            let users = u32::try_from(size.users).ok()?;
            size.sum_of_parts(user, group).checked_div(users)
        };
        let row = spent.of(Row {
            name: format!("initial cycle, {} groups", size.groups()),
            connections: size.connections,
            operations: u64::try_from(size.users)?,
            elapsed,
            latency: None,
            server: Duration::ZERO,
            database: Duration::ZERO,
            memory: None,
            compared: parts().map(|of| Compared {
                limit: Limit::Other("its parts"),
                of,
                goal: 1.3,
            }),
        });
        println!("{row}");
        let expected = [u64::try_from(size.users)?, u64::try_from(size.groups())?];
        let totals = totals(&target)?;
        if totals != expected {
            eprintln!(
                "{}: {totals:?} users and groups, not {expected:?}",
                row.name
            );
            self.wrong += 1;
        }
        Ok(())
    }

    /// How many users and groups there are.
    fn totals(&self) -> Result<[u64; 2], Failed> {
        totals(&self.target)
    }

    /// Runs something, and tells what the server and the database spent on it.
    fn spending<T>(&self, work: impl FnOnce() -> T) -> Result<(T, Spent), Failed> {
        let pid = self.server.running()?.pid();
        let postmaster = self.place.connect()?.postmaster();
        let database = || postmaster.map_or(Duration::ZERO, process::processor_of_children);
        process::forget_peak(pid);
        let before = (process::processor(pid), database());
        let done = work();
        let spent = Spent {
            server: process::processor(pid).saturating_sub(before.0),
            database: database().saturating_sub(before.1),
            memory: process::peak_memory(pid),
        };
        Ok((done, spent))
    }
}

struct Spent {
    server: Duration,
    database: Duration,
    memory: Option<u64>,
}

impl Spent {
    fn of(self, row: Row) -> Row {
        Row {
            server: self.server,
            database: self.database,
            memory: self.memory,
            ..row
        }
    }
}

/// The same request, again and again.
struct Same(Vec<u8>);

impl closed::Lane for Same {
    fn next(&mut self) -> Option<closed::Call> {
        Some(closed::Call {
            request: self.0.clone(),
            status: 200,
            holds: None,
        })
    }
}

fn totals(target: &Target) -> Result<[u64; 2], Failed> {
    let mut connection = target.connect()?;
    let mut totals = [0, 0];
    for (total, path) in totals.iter_mut().zip(["/Users?count=0", "/Groups?count=0"]) {
        let answer = connection.send(&target.request("GET", path, ""))?;
        let list: serde_json::Value = serde_json::from_slice(answer.body)?;
        let counted = list.get("totalResults").and_then(serde_json::Value::as_u64);
        *total = counted.ok_or_else(|| seed::refused(path, answer.status, answer.body))?;
    }
    Ok(totals)
}

fn has_bare(workload: Workload) -> bool {
    use Workload::{FirstPage, GetUser, GroupAlone, MatchEmail, MatchExternalId, MatchUserName};
    matches!(
        workload,
        GetUser | MatchUserName | MatchExternalId | MatchEmail | GroupAlone | FirstPage
    )
}

/// The name of the file with an answer.
fn file(workload: Workload, world: &World) -> String {
    let letters = workload.name(world);
    letters
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

//! How many instructions the hot paths take, counted by valgrind, and whether that is more than the
//! table says.
//!
//! ```sh
//! cargo build --release -p instructions
//! target/release/instructions check tests/instructions/table
//! target/release/instructions write tests/instructions/table   # when more, or less, is meant
//! ```
//!
//! Instructions are counted of the machine that valgrind imitates, in which no other program is and
//! whose caches do not matter; the allocator is the server's and built with it. What is left between
//! machines is the C library and what the processor lets it choose from, which is below one percent.
//! Another compiler counts differently: the table names the one that it is of, and with another one
//! more is let pass.

mod paths;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

/// What the server allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failed = Box<dyn std::error::Error>;

/// How many percent more are let pass, of the compiler of the table and of another one.
const MORE: [f64; 2] = [2.0, 15.0];
/// How often a path is walked while it is counted. The allocator and maps of random order do a little
/// more or less at times.
const TIMES: u64 = 200;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["walk", name] => walk(name),
        ["check", table] => check(Path::new(table)),
        ["write", table] => write(Path::new(table)),
        _ => Err("usage: instructions check TABLE | write TABLE | walk PATH".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("{failed}");
            ExitCode::FAILURE
        }
    }
}

/// Walks a path, under valgrind or not.
fn walk(name: &str) -> Result<(), Failed> {
    let found = paths::PATHS.iter().find(|path| path.0 == name);
    let Some((_, prepare)) = found else {
        return Err(format!("there is no path {name:?}").into());
    };
    let mut path = prepare()?;
    // What is done once is not counted.
    for _ in 0..3 {
        path();
    }
    measured(&mut path);
    Ok(())
}

/// What valgrind counts, by its name.
#[inline(never)]
fn measured(path: &mut dyn FnMut()) {
    for _ in 0..TIMES {
        path();
    }
}

/// How many instructions each path takes.
fn count() -> Result<BTreeMap<String, u64>, Failed> {
    let program = std::env::current_exe()?;
    let folder = tempfile::tempdir()?;
    let mut counted = BTreeMap::new();
    for (name, _) in paths::PATHS {
        let out = folder.path().join("out");
        let run = Command::new("valgrind")
            .args([
                "--tool=callgrind",
                "--collect-atstart=no",
                "--error-exitcode=9",
            ])
            .args(["--toggle-collect=*instructions::measured*", "--quiet"])
            .arg(format!("--callgrind-out-file={}", out.display()))
            .arg(&program)
            .args(["walk", name])
            .output()?;
        if !run.status.success() {
            let said = String::from_utf8_lossy(&run.stderr);
            return Err(format!("{name}: {}: {said}", run.status).into());
        }
        let text = std::fs::read_to_string(&out)?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        let total: u64 = total.ok_or("valgrind counted nothing")?.trim().parse()?;
        if total == 0 {
            return Err(format!("{name}: valgrind counted nothing").into());
        }
        counted.insert(name.to_owned(), total / TIMES);
    }
    Ok(counted)
}

/// The compiler and the machine, as the table names them.
fn compiler() -> Result<String, Failed> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let said = Command::new(rustc).arg("-vV").output()?;
    let said = String::from_utf8(said.stdout)?;
    let of = |name: &str| said.lines().find_map(|line| line.strip_prefix(name));
    let missing = || Failed::from("rustc says nothing of itself");
    let release = of("release: ").ok_or_else(missing)?;
    Ok(format!("{release} {}", of("host: ").ok_or_else(missing)?))
}

fn write(table: &Path) -> Result<(), Failed> {
    let mut text = format!("# instructions each; rustc {}\n", compiler()?);
    for (name, counted) in count()? {
        writeln!(text, "{counted:>10}  {name}")?;
    }
    std::fs::write(table, &text)?;
    print!("{text}");
    Ok(())
}

fn check(table: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(table)?;
    let of = text.lines().find_map(|line| line.split("; rustc ").nth(1));
    let same = of == Some(compiler()?.as_str());
    let [of_same, of_other] = MORE;
    let more = if same { of_same } else { of_other };
    if !same {
        let of = of.unwrap_or("another compiler");
        println!("The table is of rustc {of}: {more} % more are let pass.");
    }
    let mut expected = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (counted, name) = line
            .trim()
            .split_once("  ")
            .ok_or("a line without a name")?;
        expected.insert(name.trim().to_owned(), counted.parse::<f64>()?);
    }
    let counted = count()?;
    let mut wrong = Vec::new();
    for (name, counted) in &counted {
        let Some(expected) = expected.remove(name) else {
            wrong.push(format!("{name} is not in the table"));
            continue;
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "no path takes 2^52 instructions"
        )]
        let change = (*counted as f64 / expected - 1.0) * 100.0;
        println!("{counted:>10}  {change:>+6.2} %  {name}");
        if change > more {
            wrong.push(format!("{name} takes {change:.2} % more instructions"));
        }
    }
    wrong.extend(
        expected
            .into_keys()
            .map(|name| format!("there is no path {name:?}")),
    );
    if wrong.is_empty() {
        return Ok(());
    }
    let advice = "where that is meant: target/release/instructions write tests/instructions/table";
    Err(format!("{}\n{advice}", wrong.join("\n")).into())
}

//! What the system tells of a process (Linux).

use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long the processor has worked for a process so far.
pub(crate) fn processor(pid: u32) -> Duration {
    fields(pid).map_or(Duration::ZERO, |fields| ticks(&fields, USER, SYSTEM))
}

/// The same of all children of a process, those that have ended included.
pub(crate) fn processor_of_children(parent: u32) -> Duration {
    let ended = fields(parent).map_or(Duration::ZERO, |f| ticks(&f, CHILD_USER, CHILD_SYSTEM));
    let living = fs::read_dir("/proc").into_iter().flatten().flatten();
    let living = living.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let theirs = living.filter_map(fields).filter(|fields| {
        let of = fields.get(PARENT).and_then(|of| of.parse().ok());
        of == Some(parent)
    });
    ended + theirs.map(|f| ticks(&f, USER, SYSTEM)).sum::<Duration>()
}

/// The parent of a process.
pub(crate) fn parent(pid: u32) -> Option<u32> {
    fields(pid)?.get(PARENT)?.parse().ok()
}

/// The memory of a process now, in KiB.
pub(crate) fn memory(pid: u32) -> Option<u64> {
    status(pid, "VmRSS:")
}

/// The most memory of a process since [`forget_peak`], in KiB.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    status(pid, "VmHWM:")
}

/// Has the peak of memory begin anew.
pub(crate) fn forget_peak(pid: u32) {
    // Where it is not allowed, the peak is that since the process began.
    let _kept = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

fn status(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The fields of `/proc/PID/stat` behind the name, which may hold spaces.
fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind) = stat.rsplit_once(") ")?;
    Some(behind.split(' ').map(str::to_owned).collect())
}

fn ticks(fields: &[String], user: usize, system: usize) -> Duration {
    let of = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    let ticks = of(user).unwrap_or(0) + of(system).unwrap_or(0);
    Duration::from_nanos(ticks * 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1))
}

/// Bytes of a file and of those that SQLite keeps beside it.
pub(crate) fn size(path: &Path) -> u64 {
    let beside = ["", "-wal", "-shm"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        fs::metadata(name).map_or(0, |file| file.len())
    });
    beside.iter().sum()
}

// Places behind the name, as proc(5) counts them less three.
const PARENT: usize = 1;
const USER: usize = 11;
const SYSTEM: usize = 12;
const CHILD_USER: usize = 13;
const CHILD_SYSTEM: usize = 14;

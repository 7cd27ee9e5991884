//! Work shared by a few threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does every job on one of `threads` threads; the results come in the order of the jobs.
///
/// Once `stop` says so no further job is begun, and those that were not have no result.
pub(crate) fn each<J: Sync, R: Send>(
    threads: usize,
    jobs: &[J],
    stop: impl Fn() -> bool + Sync,
    work: impl Fn(&J) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(jobs.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.len().max(1)) {
            scope.spawn(|| {
                while !stop() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(number) else { return };
                    let result = work(job);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push((number, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_once_and_in_order() {
        let jobs: Vec<usize> = (0..100).collect();
        let doubled = each(4, &jobs, || false, |job| job * 2);
        assert_eq!(doubled, jobs.iter().map(|job| job * 2).collect::<Vec<_>>());
    }

    #[test]
    fn no_job_is_begun_after_the_stop() {
        let done = AtomicUsize::new(0);
        let results = each(
            1,
            &[(); 10],
            || done.load(Ordering::Relaxed) >= 3,
            |()| done.fetch_add(1, Ordering::Relaxed),
        );
        assert_eq!(results, [0, 1, 2]);
    }

    #[test]
    fn no_jobs_are_no_results() {
        assert!(each(4, &[0_u8; 0], || false, |job| *job).is_empty());
    }
}

//! The hostile client, in a process of its own that takes processor time only where nobody else wants
//! it: it sends from a machine of its own, and what sending costs there is not felt by the server.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde::{Deserialize, Serialize};

use crate::client::{Client, Failed};
use crate::hostile::{Input, Target};

/// What is to be sent, as the process is told on its standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) base: String,
    pub(crate) token: String,
    pub(crate) insecure: bool,
    pub(crate) connections: u16,
    pub(crate) input: Input,
    pub(crate) target: Target,
}

/// How many requests were answered with each status; 0 is no answer.
pub(crate) type Answers = BTreeMap<u16, usize>;

/// A process that sends, until it is asked for what it was answered.
pub(crate) struct Sender(Child);

impl Sender {
    pub(crate) fn start(order: &Order) -> Result<Self, Failed> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(ROLE, "sender")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.as_mut().ok_or("the sender has no input")?;
        serde_json::to_writer(&mut *input, order)?;
        writeln!(input)?;
        Ok(Self(child))
    }

    pub(crate) fn stop(mut self) -> Result<Answers, Failed> {
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output()?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// Whether this process was started to send.
pub(crate) fn is_sender() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// Sends as fast as it is answered until its input ends, and prints how it was answered.
pub(crate) fn send() -> Result<(), Failed> {
    yield_to_everybody();
    let mut lines = io::stdin().lock().lines();
    let order: Order = serde_json::from_str(&lines.next().ok_or("no order came")??)?;
    let client = Client::new(&order.base, &order.token, order.insecure);
    let requests = order.input.requests(&order.target);
    let over = AtomicBool::new(false);
    let answers = thread::scope(|scope| {
        let senders: Vec<_> = (0..usize::from(order.connections))
            .map(|at| {
                let (over, client, requests) = (&over, &client, &requests);
                scope.spawn(move || {
                    let mut answers = Answers::new();
                    let calls = requests.iter().cycle().skip(at);
                    for call in calls.take_while(|_| !over.load(Ordering::Relaxed)) {
                        *answers.entry(client.timed(call).status).or_default() += 1;
                    }
                    answers
                })
            })
            .collect();
        let _until_the_end = lines.count();
        over.store(true, Ordering::Relaxed);
        let mut answers = Answers::new();
        for sender in senders {
            for (status, count) in sender.join().unwrap_or_default() {
                *answers.entry(status).or_default() += count;
            }
        }
        answers
    });
    serde_json::to_writer(io::stdout(), &answers)?;
    Ok(())
}

/// Where the system has no such class of threads, or does not give it, the client is one load more.
fn yield_to_everybody() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::unix::{
            NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        // The threads that this one starts inherit it.
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let lowest = thread_priority::ThreadPriority::Min;
        let _given = set_thread_priority_and_policy(thread_native_id(), lowest, idle);
    }
}

/// What tells the process which part it has.
const ROLE: &str = "NOISY_NEIGHBOUR_ROLE";

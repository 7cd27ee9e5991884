//! Stopping: requests are served until a balancer has noticed, and a rolling restart breaks none.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use end_to_end::engines;
use end_to_end::{Client, Engine, Response, Server, uri};
use serde_json::json;

/// How long a replica serves after the word to stop: a balancer that asks twenty times a second
/// notices, on a busy machine too.
const DRAIN: &str = "5";

/// Waits for what must happen soon.
fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let since = Instant::now();
    while !happened() {
        assert!(since.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn closes(answer: &Response) -> bool {
    answer
        .header("connection")
        .is_some_and(|said| said == "close")
}

fn a_server_that_drains_serves_and_says_that_it_is_not_ready(engine: &Engine) {
    let mut server = Server::start_with(engine.clone(), &["--drain", "300"]);
    let client = server.client();
    let probe = |path: &str| {
        let url = format!("https://127.0.0.1:{}{path}", server.port);
        client.try_send("GET", &url, &[], None)
    };
    assert!(!closes(&client.get("/Users").expect(200)));
    server.signal("TERM");
    until("it is not ready any more", || {
        probe("/readyz").is_ok_and(|answer| answer.status == 503)
    });
    assert!(closes(&probe("/healthz").unwrap().expect(200)));
    client.user("ava");
    let answer = client.get("/Users").expect(200);
    assert_eq!(answer.json["totalResults"], 1);
    assert!(closes(&answer));
    assert_eq!(server.run(&["healthcheck"]).status.code(), Some(1));
    // Whoever does not want to wait says so once more, and what is under way is answered still.
    assert_eq!(server.stop(), Some(0));
    assert!(server.log().contains("draining"), "{}", server.log());
}

/// One of several servers on one database.
struct Replica {
    port: u16,
    child: Mutex<Option<Child>>,
    /// What the balancer knows.
    ready: AtomicBool,
    served: AtomicUsize,
}

impl Replica {
    fn new(server: &Server) -> Self {
        let replica = Self {
            port: free_port(),
            child: Mutex::default(),
            ready: AtomicBool::new(false),
            served: AtomicUsize::new(0),
        };
        replica.start(server);
        replica
    }

    fn start(&self, server: &Server) {
        let listen = format!("127.0.0.1:{}", self.port);
        let mut command = server.command(&["serve", "--listen", &listen, "--drain", DRAIN]);
        command.env("SERVICEOPS_SCIM_LIMIT_RATE", "1000000");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        *self.child.lock().unwrap() = Some(child);
    }

    /// Says to stop, has whoever comes all the same served, and answers the exit code.
    fn stop(&self, token: &str) -> Option<i32> {
        let mut child = self.child.lock().unwrap().take().unwrap();
        let base = format!("https://127.0.0.1:{}/api/scim/v2", self.port);
        let late = Client::new(&base, token);
        assert!(!closes(&late.get("/Users?count=0").expect(200)));
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(sent.unwrap().success());
        until("it is not ready any more", || !self.is_ready(&late));
        assert!(closes(&late.get("/Users?count=0").expect(200)));
        child.wait().unwrap().code()
    }

    fn is_ready(&self, client: &Client) -> bool {
        let url = format!("https://127.0.0.1:{}/readyz", self.port);
        let answer = client.try_send("GET", &url, &[], None);
        answer.is_ok_and(|answer| answer.status == 200)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Asks each replica whether it is ready, as a balancer does.
fn balance(replicas: &[Replica], over: &AtomicBool) {
    let client = Client::new("", "");
    while !over.load(Ordering::Relaxed) {
        for replica in replicas {
            replica
                .ready
                .store(replica.is_ready(&client), Ordering::Relaxed);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// What clients met.
#[derive(Default)]
struct Met {
    /// Requests that were not answered, or not as they should be.
    broken: Vec<String>,
    /// The ids of who was created.
    created: BTreeSet<String>,
}

/// Creates and looks up people, at the replicas that are ready in turns, over connections that are
/// kept.
fn send(number: usize, replicas: &[Replica], token: &str, over: &AtomicBool) -> Met {
    let clients = replicas.iter().map(|replica| {
        let base = format!("https://127.0.0.1:{}/api/scim/v2", replica.port);
        Client::new(&base, token)
    });
    let clients: Vec<Client> = clients.collect();
    let mut met = Met::default();
    let mut turn = number;
    while !over.load(Ordering::Relaxed) {
        turn += 1;
        let ready = |at: &usize| replicas[*at].ready.load(Ordering::Relaxed);
        let mut places = (turn..turn + replicas.len()).map(|at| at % replicas.len());
        let Some(at) = places.find(ready) else {
            met.broken.push("no replica is ready".to_owned());
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let name = format!("u{number}-{turn}");
        let body = json!({"schemas": [uri::USER], "userName": name}).to_string();
        let look_up = format!("/Users?filter=userName eq \"{name}\"");
        for (method, path, body) in [("POST", "/Users", Some(body)), ("GET", &look_up, None)] {
            let body = body.as_ref().map(String::as_bytes);
            match clients[at].try_send(method, path, &[], body) {
                Ok(answer) if answer.status < 300 => {
                    replicas[at].served.fetch_add(1, Ordering::Relaxed);
                    if answer.status == 201 {
                        met.created.insert(answer.id());
                    }
                }
                Ok(answer) => met.broken.push(format!("{method}: {}", answer.text)),
                Err(error) => met.broken.push(format!("{method}: {error}")),
            }
        }
    }
    met
}

fn a_rolling_restart_breaks_no_request(engine: &Engine) {
    let mut server = Server::start(engine.clone());
    let token = server.client().token;
    assert_eq!(server.stop(), Some(0));
    let replicas = [Replica::new(&server), Replica::new(&server)];
    let over = AtomicBool::new(false);
    let served = |at: usize| replicas[at].served.load(Ordering::Relaxed);
    let met = thread::scope(|scope| {
        let (replicas, over, token, server) = (&replicas, &over, &token, &server);
        scope.spawn(|| balance(replicas, over));
        let all_ready = || replicas.iter().all(|it| it.ready.load(Ordering::Relaxed));
        until("both replicas are ready", all_ready);
        let clients: Vec<_> = (0..4)
            .map(|number| scope.spawn(move || send(number, replicas, token, over)))
            .collect();
        let rolled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for (at, other) in [(0, 1), (1, 0)] {
                let before = served(at);
                until("it serves", || served(at) > before + 50);
                assert_eq!(replicas[at].stop(token), Some(0));
                let before = served(other);
                until("the other serves", || served(other) > before + 50);
                replicas[at].start(server);
                until("both replicas are ready", all_ready);
            }
        }));
        over.store(true, Ordering::Relaxed);
        let met: Vec<Met> = clients.into_iter().map(|it| it.join().unwrap()).collect();
        rolled.unwrap();
        met
    });
    let broken: Vec<_> = met.iter().flat_map(|met| &met.broken).collect();
    let all = served(0) + served(1);
    assert!(broken.is_empty(), "{} of {all}: {broken:#?}", broken.len());
    // What was acknowledged by either is there for the other.
    let base = format!("https://127.0.0.1:{}/api/scim/v2", replicas[0].port);
    let client = Client::new(&base, &token);
    let created: usize = met.iter().map(|met| met.created.len()).sum();
    let total = client.get("/Users?count=0").expect(200).json["totalResults"].as_u64();
    assert_eq!(total, u64::try_from(created).ok());
    println!("{created} created, {all} requests");
}

engines::tests! {
    on_both(Engine::clone): a_server_that_drains_serves_and_says_that_it_is_not_ready;
    on_postgres(Engine::clone): a_rolling_restart_breaks_no_request;
}

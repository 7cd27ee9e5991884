//! The ServiceOps SCIM server and its command line.
//!
//! The binary wires: it reads settings, opens the store, terminates TLS and hands requests to the
//! service provider. Every rule of SCIM, mapping and storage lives in the crates below.

mod instance;
mod serve;
mod tls;

use std::process::ExitCode;

use scim_cli::{Invocation, output};

/// A request allocates some hundreds of times, on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    scim_cli::panic::install_hook();
    tls::install_provider();
    let invocation = match scim_cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(error) => return error.report(),
    };
    match std::panic::catch_unwind(|| run(invocation)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => output::report(&error),
        Err(_panic) => ExitCode::FAILURE,
    }
}

fn run(invocation: Invocation) -> anyhow::Result<()> {
    match invocation {
        Invocation::Serve(common, options) => serve::run(&common, *options),
        Invocation::Command(common, command) => command.run(&instance::Program, &common),
    }
}

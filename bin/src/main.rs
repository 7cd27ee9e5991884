//! The ServiceOps SCIM server.
fn main() {}

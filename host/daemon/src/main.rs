//! The toxmail program.
fn main() {}

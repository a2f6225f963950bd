//! The compiling child as a program of its own, for the tests: what the daemon's hidden verb does.

fn main() -> std::process::ExitCode {
    sandbox::compile_child_main()
}

//! A component that takes minutes to compile, uploaded to a running gateway.

use std::process::{Command, Stdio};

use tests::gateway::program;
use tests::{Gateway, network, wait};

use crate::mischief::watch::{slowest_of, tell};

/// A component of many functions that take long to compile, each a chain of sums that cannot be shortened (WebAssembly binary format and that of
/// the component model).
pub fn bomb(functions: u32) -> Vec<u8> {
    let section = |id: u8, content: &[u8]| [&[id], leb128(content.len() as u32).as_slice(), content].concat();
    let link: Vec<u8> = (0..30_u8).flat_map(|number| [0x42, 2 * number + 3, 0x7e, 0x20, 0, 0x89]).collect();
    let body = [&[0, 0x20, 0], link.as_slice(), &[0x0b]].concat();
    let body = [leb128(body.len() as u32), body].concat();
    let count = leb128(functions);
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        // (i64) -> i64, of which all functions are.
        section(1, &[1, 0x60, 1, 0x7e, 1, 0x7e]),
        section(3, &[count.clone(), vec![0; functions as usize]].concat()),
        section(10, &[count, body.repeat(functions as usize)].concat()),
    ]
    .concat();
    let name = b"toxmail:gateway/policy-decisions@0.1.0";
    // An empty instance is exported as what a policy decides.
    let export = [&[1, 0, name.len() as u8], name.as_slice(), &[5, 0, 0]].concat();
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module), section(5, &[1, 1, 0]), section(11, &export)]
        .concat()
}

fn leb128(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The processes a process started.
pub fn children(pid: u32) -> Vec<u32> {
    let is_child = |stat: &str| {
        // The name stands in parentheses and may be anything; the state and the parent follow it.
        stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)) == Some(&pid.to_string())
    };
    let processes = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes
        .filter(|process: &u32| {
            std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| is_child(&stat))
        })
        .collect()
}

#[test]
fn while_a_bomb_is_compiled_smtp_and_pop3_answer_and_its_compiler_ends_with_the_gateway() {
    let mut gateway = Gateway::start(network());
    // As it is made here it is a component, only a useless one.
    std::fs::write(gateway.path("small.wasm"), bomb(1)).unwrap();
    let refused = gateway.run(&["component", "add", gateway.path("small.wasm").to_str().unwrap()]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("allow-submission"), "{words}");

    // Minutes of compiling.
    std::fs::write(gateway.path("bomb.wasm"), bomb(100_000)).unwrap();
    let mut upload = Command::new(program())
        .args(["component", "add"])
        .arg(gateway.path("bomb.wasm"))
        .arg("--data")
        .arg(gateway.path(""))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let compiler = wait::until("the compiler", || children(gateway.pid()).first().copied());
    tell("upload", "", "bomb", slowest_of(&gateway, 10));
    assert_eq!(children(gateway.pid()), [compiler], "it still compiles");
    gateway.kill();
    wait::until("the end of the compiler", || {
        (!std::path::Path::new(&format!("/proc/{compiler}")).exists()).then_some(())
    });
    assert!(!upload.wait().unwrap().success());
    // Nothing of it is left.
    gateway.restart();
    assert!(!gateway.json(&["component", "list"]).to_string().contains("bomb"));
}

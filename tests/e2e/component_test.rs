//! `component test FILE`: the child process, the limits and the cleaning of `component add`; and what nobody waits for any more ends.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tests::gateway::program;
use tests::{Gateway, network, wait};

use crate::bomb::{bomb, children};

/// What `component test` of the policy that misbehaves as `what` says prints, and how it ends.
fn tested(directory: &std::path::Path, what: &str, arguments: &[&str]) -> (String, Option<i32>) {
    let guest = builtin::test_guests().iter().find(|guest| guest.slot == "policy").unwrap();
    std::fs::write(directory.join("guest.wasm"), guest.bytes).unwrap();
    let case = format!(
        "settings = {{ do = '{what}' }}\nlimits = {{ call-ms = 2000 }}\n[[call]]\nask = {{ allow-submission = {{}} }}\n"
    );
    std::fs::write(directory.join("case.toml"), case).unwrap();
    let output = Command::new(program())
        .args(["component", "test", "guest.wasm", "--case", "case.toml"])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

fn test_of(file: &str, directory: &std::path::Path) -> Child {
    Command::new(program())
        .args(["component", "test", file])
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A limit of a process, as proc(5) shows it.
fn limit(process: u32, name: &str) -> Option<String> {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next().map(str::to_owned)
}

fn is_gone(process: u32) -> bool {
    !std::path::Path::new(&format!("/proc/{process}")).exists()
}

#[test]
fn a_component_under_test_that_loops_or_takes_memory_is_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let (text, code) = tested(directory.path(), "spin", &[]);
    assert!(text.contains("longer than its limit of 2000 ms"), "{text}");
    assert_eq!(code, Some(1));
    let (text, code) = tested(directory.path(), "allocate", &[]);
    assert!(text.contains("bytes of memory"), "{text}");
    assert_eq!(code, Some(1));
}

#[test]
fn what_a_component_under_test_says_is_printed_without_what_a_terminal_obeys() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&[][..], &["--json"]] {
        let (text, _) = tested(directory.path(), "escape", arguments);
        assert!(text.contains("red"), "{text}");
        let obeyed =
            |char: char| (char.is_control() && char != '\n') || ('\u{202a}'..='\u{202e}').contains(&char);
        assert!(!text.contains(obeyed), "{text:?}");
    }
}

#[test]
fn a_component_under_test_is_compiled_where_one_that_is_added_is() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("bomb.wasm"), bomb(100_000)).unwrap();
    let mut test = test_of("bomb.wasm", directory.path());
    let compiler = wait::until("the compiler", || children(test.id()).first().copied());
    let expected = [
        ("Max address space", (4_u64 << 30).to_string()),
        ("Max cpu time", "300".to_owned()),
        ("Max file size", (512 << 20).to_string()),
    ];
    for (name, most) in expected {
        wait::until(name, || (limit(compiler, name)? == most).then_some(()));
    }
    test.kill().unwrap();
    test.wait().unwrap();
    wait::until("the end of the compiler", || is_gone(compiler).then_some(()));
}

#[test]
fn an_upload_and_a_test_that_nobody_waits_for_end_soon() {
    let gateway = Gateway::start(network());
    let token = std::fs::read_to_string(gateway.path("admin-token")).unwrap();
    let bearer = format!("Authorization: Bearer {}", token.trim());
    let post = |path: &str, kind: &str, file: &str| {
        let (url, body) = (format!("http://{}{path}", gateway.admin()), format!("@{file}"));
        Command::new("curl")
            .args([
                "-sS",
                "-H",
                &bearer,
                "-H",
                &format!("Content-Type: {kind}"),
                "--data-binary",
                &body,
                &url,
            ])
            .current_dir(gateway.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    std::fs::write(gateway.path("bomb.wasm"), bomb(100_000)).unwrap();
    let mut upload = post("/api/v1/components?name=bomb", "application/wasm", "bomb.wasm");
    let compiler = wait::until("the compiler", || children(gateway.pid()).first().copied());
    upload.kill().unwrap();
    upload.wait().unwrap();
    let ended = wait::time(|| {
        wait::until("the end of the compiler", || is_gone(compiler).then_some(()));
    });
    assert!(ended < Duration::from_secs(30), "{ended:?}");

    // A call of a test may take a minute.
    let guest = builtin::test_guests().iter().find(|guest| guest.slot == "policy").unwrap();
    std::fs::write(gateway.path("guest.wasm"), guest.bytes).unwrap();
    let _ =
        gateway.json(&["component", "add", gateway.path("guest.wasm").to_str().unwrap(), "--name", "mine"]);
    let case = "settings = { do = 'spin' }\nlimits = { call-ms = 60000 }\n[[call]]\nask = { allow-submission = {} }\n";
    std::fs::write(gateway.path("case.toml"), case).unwrap();
    let mut test = post("/api/v1/slots/policy/test?component=mine", "application/toml", "case.toml");
    wait::until("the test", || is_testing(&gateway).then_some(()));
    test.kill().unwrap();
    test.wait().unwrap();
    let ended = wait::time(|| wait::until("the end of the test", || (!is_testing(&gateway)).then_some(())));
    assert!(ended < Duration::from_secs(30), "{ended:?}");
}

/// Whether the gateway asks a component on the bench: there is a thread for it.
fn is_testing(gateway: &Gateway) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{}/task", gateway.pid())).unwrap().flatten();
    threads.into_iter().any(|thread| {
        std::fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name.trim() == "bench")
    })
}

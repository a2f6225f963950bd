use std::io::Write as _;

use super::*;

#[test]
fn the_last_lines_are_kept_and_long_ones_are_cut() {
    let log = RecentLog::default();
    let mut writer = log.clone();
    for number in 0..LOG_LINES + 10 {
        writer.write_all(format!("line {number}\n").as_bytes()).unwrap();
    }
    let lines = log.lines();
    assert_eq!(lines.len(), LOG_LINES);
    assert_eq!(lines[0], "line 10");
    writer.write_all("ä".repeat(LOG_LINE_BYTES).as_bytes()).unwrap();
    assert_eq!(log.lines().last().unwrap().len(), LOG_LINE_BYTES);
    writer.write_all(b"one\n\xff two\n").unwrap();
    assert_eq!(log.lines()[LOG_LINES - 2..], ["one", "\u{fffd} two"]);
}

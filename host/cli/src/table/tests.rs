use proptest::prelude::*;

use super::*;

#[test]
fn columns_line_up() {
    let mut table = Table::new(["NAME", "SIZE"]);
    table.row(["ä".to_owned(), "1".to_owned()]);
    table.row(["longer".to_owned(), String::new()]);
    assert_eq!(table.or("none"), "NAME    SIZE\nä       1\nlonger\n");
}

#[test]
fn an_empty_table_says_so() {
    assert_eq!(Table::new(["NAME"]).or("no contacts"), "no contacts\n");
}

proptest! {
    /// Nothing a stranger wrote moves the cursor, colours the screen or adds a line.
    #[test]
    fn a_row_is_one_harmless_line(cell in any::<String>(), escape in "\\x1b\\[[0-9;]{0,5}[A-Za-z]") {
        let mut table = Table::new(["A", "B"]);
        table.row([format!("{cell}{escape}"), cell]);
        let text = table.or("");
        prop_assert_eq!(text.lines().count(), 2);
        prop_assert!(text.chars().all(|char| char == '\n' || !char.is_control()));
    }
}

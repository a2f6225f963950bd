use proptest::prelude::*;

use super::*;

#[test]
fn columns_line_up() {
    let mut table = Table::new(["NAME", "SIZE"]);
    table.row(["ä".to_owned(), "1".to_owned()]);
    table.row(["longer".to_owned(), String::new()]);
    assert_eq!(table.or("none"), "NAME    SIZE\nä       1\nlonger\n");
}

/// Wide characters take two columns of a terminal, combining ones none.
#[test]
fn columns_line_up_under_wide_and_combining_characters() {
    let mut table = Table::new(["NAME", "SIZE"]);
    table.row(["山田".to_owned(), "1".to_owned()]);
    table.row(["a\u{308}".to_owned(), "2".to_owned()]);
    assert_eq!(table.or("none"), "NAME  SIZE\n山田  1\na\u{308}     2\n");
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

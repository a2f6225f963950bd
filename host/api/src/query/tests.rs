use super::*;

fn read<Q: Query>(query: &str) -> Result<Q, String> {
    serde_urlencoded::from_str(query).map_err(|error| error.to_string())
}

#[test]
fn a_field_that_a_query_does_not_have_is_refused_with_those_it_has() {
    let error = read::<PageQuery>("signature=x").unwrap_err();
    for field in ["`signature`", "`account`", "`limit`", "`after`"] {
        assert!(error.contains(field), "{error}");
    }
    assert!(read::<NoQuery>("account=anna").unwrap_err().contains("there are no fields"));
    assert!(read::<OutcomesQuery>("after=x").is_err());
    assert!(read::<EntryQuery>("component=x").is_err());
}

#[test]
fn bounds_are_told() {
    for (query, told) in
        [("limit=0", "from 1 to 1000"), ("limit=1001", "from 1 to 1000"), ("limit=x", "invalid")]
    {
        let error = read::<PageQuery>(query).unwrap_err();
        assert!(error.contains(told), "{query}: {error}");
    }
    let long = format!("after={}", "x".repeat(CURSOR_BYTES + 1));
    assert!(read::<PageQuery>(&long).unwrap_err().contains("unknown cursor"));
    for query in ["days=0", "days=31"] {
        assert!(read::<TrialQuery>(query).unwrap_err().contains("from 1 to 30"), "{query}");
    }
}

#[test]
fn the_query_of_the_next_page_asks_for_everything_else_again() {
    let query: DecisionsQuery = read("text=a+b&from=2026-01-31T12:00:00Z&account=anna").unwrap();
    let next = query.next_page(Cursor("x/y".to_owned())).unwrap();
    let text = serde_urlencoded::to_string(&next).unwrap();
    assert_eq!(text, "account=anna&from=2026-01-31T12%3A00%3A00Z&text=a+b&limit=100&after=x%2Fy");
    assert_eq!(read::<DecisionsQuery>(&text).unwrap().page(), Page::new(100, Some("x/y".to_owned())));
}

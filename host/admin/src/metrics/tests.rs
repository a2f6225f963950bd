use proptest::prelude::*;

use super::*;

#[test]
fn the_format_is_what_prometheus_reads() {
    let metrics = [
        Metric::single("toxmail_outbox_mails", "Mails that wait.", Kind::Gauge, 3.0),
        Metric {
            name: "toxmail_calls_total",
            help: "Calls of components.",
            kind: Kind::Counter,
            samples: vec![
                Sample { labels: vec![("slot", "policy".into()), ("name", "a\"b\\c\nd".into())], value: 1.5 },
                Sample { labels: vec![("slot", "resolver".into())], value: f64::INFINITY },
            ],
        },
    ];
    let expected = "# HELP toxmail_outbox_mails Mails that wait.\n\
                    # TYPE toxmail_outbox_mails gauge\n\
                    toxmail_outbox_mails 3\n\
                    # HELP toxmail_calls_total Calls of components.\n\
                    # TYPE toxmail_calls_total counter\n\
                    toxmail_calls_total{slot=\"policy\",name=\"a\\\"b\\\\c\\nd\"} 1.5\n\
                    toxmail_calls_total{slot=\"resolver\"} +Inf\n";
    assert_eq!(to_text(&metrics), expected);
}

proptest! {
    /// A label from outside can neither end its quotes nor its line.
    #[test]
    fn a_sample_stays_one_line(value in "(\\PC|[\\n\\r\"\\\\]){0,40}") {
        let metric = Metric {
            name: "m", help: "h", kind: Kind::Gauge,
            samples: vec![Sample { labels: vec![("l", value.clone())], value: 1.0 }],
        };
        let text = to_text(&[metric]);
        prop_assert_eq!(text.matches('\n').count(), 3);
        let line = text.split('\n').nth(2).unwrap();
        let quoted = line.strip_prefix("m{l=\"").and_then(|rest| rest.strip_suffix("\"} 1")).unwrap();
        let mut unescaped = String::new();
        let mut chars = quoted.chars();
        while let Some(char) = chars.next() {
            prop_assert_ne!(char, '"');
            match char {
                '\\' => match chars.next() {
                    Some('n') => unescaped.push('\n'),
                    Some(other) => unescaped.push(other),
                    None => prop_assert!(false, "a lone backslash at the end"),
                },
                other => unescaped.push(other),
            }
        }
        prop_assert_eq!(unescaped, value);
    }
}

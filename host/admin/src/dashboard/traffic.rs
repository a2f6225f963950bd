//! What went through the gateway in the last hour and days, drawn.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mail::Wall;

use super::chart::Chart;
use super::frame::Frame;
use super::page::{PageError, html};
use super::text::{duration, plural};
use super::visitor::Visitor;
use crate::dto::{Slice, Slot, Times};
use crate::limits::{HISTORY_HOURS, HISTORY_MINUTES, REQUEST_TIME};
use crate::shared::{Shared, run};

/// Milliseconds of a minute.
const MINUTE: u64 = 60_000;
/// Hours in one bar of the days.
const HOURS_OF_A_BAR: usize = 6;

#[derive(Template)]
#[template(path = "traffic.html")]
struct Traffic {
    frame: Frame,
    spans: Vec<Span>,
}

/// The hour, or the days.
struct Span {
    id: &'static str,
    title: &'static str,
    /// The text under the left end of the charts.
    start: &'static str,
    charts: Vec<Chart>,
    components: Vec<Component>,
}

/// How long the components of a slot took.
struct Component {
    slot: &'static str,
    calls: String,
    mean: String,
    longest: String,
    chart: Chart,
}

/// The page.
pub(super) async fn page(State(shared): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    visitor.caller.must_be_owner()?;
    let (frame, _) = Frame::new(&shared, &visitor, "/traffic").await?;
    let (management, now) = (shared.management.clone(), shared.clock.wall());
    let history = run(REQUEST_TIME, async move { management.history().await }).await?;
    let minutes = series(&history.minutes, now, MINUTE, HISTORY_MINUTES, 1);
    let hours = series(&history.hours, now, 60 * MINUTE, HISTORY_HOURS, HOURS_OF_A_BAR);
    let spans = vec![
        span("hour", "Last hour", "an hour ago, a bar for each minute", &minutes),
        span("days", "Last 14 days", "14 days ago, a bar for 6 hours", &hours),
    ];
    Ok(html(StatusCode::OK, &Traffic { spans, frame }))
}

/// The slices without gaps, `of_a_bar` together; the newest last.
fn series(slices: &[Slice], now: Wall, width: u64, count: usize, of_a_bar: usize) -> Vec<Slice> {
    let newest = now.0 / width;
    let mut bars = vec![Slice::default(); count.div_ceil(of_a_bar)];
    for slice in slices {
        let age = usize::try_from(newest.saturating_sub(slice.start.0.0 / width)).unwrap_or(usize::MAX);
        let bar = (count - 1).checked_sub(age).and_then(|at| bars.get_mut(at / of_a_bar));
        if let Some(bar) = bar {
            bar.submitted += slice.submitted;
            bar.delivered += slice.delivered;
            bar.returned += slice.returned;
            bar.arrived += slice.arrived;
            bar.quarantined += slice.quarantined;
            bar.delivery.merge(slice.delivery);
            for (slot, times) in &slice.components {
                bar.components.entry(*slot).or_default().merge(*times);
            }
        }
    }
    bars
}

fn span(id: &'static str, title: &'static str, start: &'static str, bars: &[Slice]) -> Span {
    let mails = |title, of: fn(&Slice) -> u64| {
        let values: Vec<u64> = bars.iter().map(of).collect();
        let summary = format!("{} in all", plural(values.iter().sum(), "mail"));
        Chart::new(title, summary, &values, |value| plural(value, "mail"))
    };
    let times: Vec<Times> = bars.iter().map(|bar| bar.delivery).collect();
    Span {
        id,
        title,
        start,
        charts: vec![
            mails("Sent from here", |bar| bar.submitted),
            mails("Delivered", |bar| bar.delivered),
            mails("Came back", |bar| bar.returned),
            mails("Arrived here", |bar| bar.arrived),
            mails("Set aside by a filter", |bar| bar.quarantined),
            timed("From sending to delivery", &times),
        ],
        components: Slot::ALL.into_iter().filter_map(|slot| component(slot, bars)).collect(),
    }
}

fn timed(title: &'static str, times: &[Times]) -> Chart {
    let all = sum(times);
    let summary = match all.calls {
        0 => "nothing to measure".to_owned(),
        _ => format!("{} on average, {} at most", duration(all.mean()), duration(all.longest)),
    };
    let means: Vec<u64> = times.iter().map(|times| times.mean()).collect();
    Chart::new(title, summary, &means, |value| format!("{} on average", duration(value)))
}

fn sum(times: &[Times]) -> Times {
    let mut all = Times::default();
    times.iter().for_each(|times| all.merge(*times));
    all
}

fn component(slot: Slot, bars: &[Slice]) -> Option<Component> {
    let times: Vec<Times> =
        bars.iter().map(|bar| bar.components.get(&slot).copied().unwrap_or_default()).collect();
    let all = sum(&times);
    (all.calls > 0).then(|| Component {
        slot: slot.as_str(),
        calls: plural(all.calls, "call"),
        mean: duration(all.mean()),
        longest: duration(all.longest),
        chart: timed(slot.as_str(), &times),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dto::Timestamp;

    #[test]
    fn slices_find_their_bars() {
        let slice = |hour: u64| Slice {
            start: Timestamp(Wall(hour * 60 * MINUTE)),
            submitted: 1,
            ..Slice::default()
        };
        let now = Wall(1000 * 60 * MINUTE + 5);
        let slices = [slice(1000), slice(999), slice(995), slice(994), slice(665), slice(664)];
        let bars = series(&slices, now, 60 * MINUTE, HISTORY_HOURS, HOURS_OF_A_BAR);
        assert_eq!(bars.len(), 56);
        assert_eq!(bars[55].submitted, 3);
        assert_eq!(bars[54].submitted, 1);
        assert_eq!(bars[0].submitted, 1);
        assert_eq!(bars.iter().map(|bar| bar.submitted).sum::<u64>(), 5);
    }
}

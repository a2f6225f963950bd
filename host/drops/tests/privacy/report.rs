//! The report: for each question a table, a row for each scheme. Markdown, as it stands in PRIVACY.md.

use crate::Question;
use crate::attack::{Score, Scores};
use crate::world::{BOARDS, HOUR, Log, MINUTE, USERS};

/// Points above guessing that the specification aims at, for the upper bound.
const AIM: f64 = 2.0;

/// The two attacks: trusting volumes, and learning from the log.
pub type Both = [Scores; 2];

/// What is said of a run besides scores.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    pub mails: usize,
    pub acknowledged: usize,
    /// Median time by drops, hours.
    pub latency: f64,
    pub marked: usize,
    pub answered: usize,
    pub left: usize,
}

impl Summary {
    pub fn of(log: &Log) -> Self {
        let mut latency: Vec<u64> = log.latency.iter().copied().filter(|latency| *latency > MINUTE).collect();
        latency.sort_unstable();
        assert_eq!(log.answered, log.answered_right, "a mark is answered by its session only");
        Self {
            mails: log.mails,
            acknowledged: log.acknowledged,
            latency: latency.get(latency.len() / 2).map_or(0.0, |median| *median as f64 / HOUR as f64),
            marked: log.marked,
            answered: log.answered,
            left: log.left,
        }
    }
}

/// A scheme and an adversary, with every seed.
pub struct Case {
    pub name: String,
    pub scores: Vec<Both>,
    pub logs: Vec<Summary>,
}

impl Case {
    /// A value for each seed, by the attack that does better on this question: the adversary may choose.
    fn over(&self, question: impl Fn(&Scores) -> Score, value: impl Fn(&Score) -> f64) -> Vec<f64> {
        let right =
            |attack: usize| -> f64 { self.scores.iter().map(|both| question(&both[attack]).attack()).sum() };
        let best = usize::from(right(1) > right(0));
        self.scores.iter().map(|both| value(&question(&both[best]))).collect()
    }

    /// Mean points above guessing.
    pub fn advantage(&self, question: impl Fn(&Scores) -> Score) -> f64 {
        mean(&self.over(question, Score::advantage))
    }

    /// Mean percent right.
    pub fn linked(&self, question: impl Fn(&Scores) -> Score) -> f64 {
        mean(&self.over(question, Score::attack))
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The upper end of a one-sided 95 % interval for the mean, by Student's t; one seed has none.
fn bound(values: &[f64]) -> Option<f64> {
    let (count, mean) = (values.len() as f64, mean(values));
    if values.len() < 2 {
        return None;
    }
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    // One-sided 95 %, by degrees of freedom; between entries the next larger value.
    let t = match values.len() {
        2 => 6.314,
        3 => 2.920,
        4 => 2.353,
        5..=9 => 2.132,
        10..=19 => 1.833,
        _ => 1.729,
    };
    Some(mean + t * (variance / count).sqrt())
}

/// Mean, and in parentheses the upper bound.
fn with_bound(values: &[f64]) -> String {
    match bound(values) {
        Some(bound) => format!("{:.1} ({bound:.1})", mean(values)),
        None => format!("{:.1} (-)", mean(values)),
    }
}

const QUESTIONS: [(&str, Question); 4] = [
    ("Whose reading session is it?", |scores| scores.session),
    ("Whose depositing session is it?", |scores| scores.depositor),
    ("Who reads what was deposited?", |scores| scores.reader),
    ("With whom does a user write most?", |scores| scores.pair),
];

/// The cases there was time for.
fn run(cases: &[Case]) -> impl Iterator<Item = &Case> {
    cases.iter().filter(|case| !case.scores.is_empty())
}

/// Prints everything.
pub fn print(days: u64, cases: &[Case]) {
    println!("{USERS} users, {BOARDS} boards, {days} days.");
    for (title, question) in QUESTIONS {
        println!("\n### {title}\n");
        println!(
            "| | right | by the moment alone | guessing | above guessing | above the moment | of two: above guessing | cases | seeds |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        for case in run(cases) {
            let shown = |value: fn(&Score) -> f64| format!("{:.1}", mean(&case.over(question, value)));
            println!(
                "| {} | {} | {} | {} | {} | {} | {} | {:.0} | {} |",
                case.name,
                shown(Score::attack),
                shown(Score::presence),
                shown(Score::guess),
                with_bound(&case.over(question, Score::advantage)),
                with_bound(&case.over(question, |score| score.attack() - score.presence())),
                with_bound(&case.over(question, Score::paired_advantage)),
                case.over(question, |score| score.count).iter().sum::<f64>(),
                case.scores.len(),
            );
        }
        if let Some(default) = cases.first() {
            let verdict = |value: fn(&Score) -> f64| match bound(&default.over(question, value)) {
                Some(bound) if bound <= AIM => "met",
                Some(_) => "missed",
                None => "one seed has no bound",
            };
            println!(
                "\nAim ({AIM:.0} points above guessing, upper bound), as specified: {}; of two: {}.",
                verdict(Score::advantage),
                verdict(Score::paired_advantage)
            );
        }
    }
    print_mail(cases);
}

/// What became of the mail meanwhile, and of marks.
fn print_mail(cases: &[Case]) {
    println!("\n### The mail\n");
    println!(
        "| | mails | acknowledged | hours by drops (median) | sessions marked, answered | readers who left |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for case in run(cases) {
        let sum = |of: fn(&Summary) -> usize| case.logs.iter().map(of).sum::<usize>();
        println!(
            "| {} | {} | {} | {:.1} | {}, {} | {} |",
            case.name,
            sum(|log| log.mails),
            sum(|log| log.acknowledged),
            mean(&case.logs.iter().map(|log| log.latency).collect::<Vec<f64>>()),
            sum(|log| log.marked),
            sum(|log| log.answered),
            sum(|log| log.left),
        );
    }
}

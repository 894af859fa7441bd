//! What clients have shown, and which of two is better.

use std::fmt;

/// What a client has shown in one run. Of two, that with fewer faults is better, and then that with the lower cost.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What did not go as it should, exactly counted.
    pub(crate) faults: u64,
    /// The counts, for people.
    pub(crate) counts: String,
    pub(crate) cost: Cost,
}

/// What it took.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cost {
    Seconds(f64),
    Milliseconds(f64),
    Megabytes(f64),
    /// Megabytes by which the memory of a process grew.
    Resident(f64),
    Packages(f64),
}

/// The memory of a process goes up and down by so many megabytes with nothing to see there.
const UNSEEN: f64 = 10.0;

/// No request to Klaviyo is so quick that anybody would notice so many milliseconds beside it.
const UNFELT: f64 = 1.0;

impl Cost {
    fn amount(self) -> f64 {
        match self {
            Self::Seconds(amount)
            | Self::Milliseconds(amount)
            | Self::Megabytes(amount)
            | Self::Packages(amount) => amount,
            Self::Resident(amount) => amount.max(UNSEEN),
        }
    }

    /// What it is compared by.
    fn weight(self) -> f64 {
        match self {
            Self::Milliseconds(amount) => amount.max(UNFELT),
            other => other.amount(),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.amount();
        let digits = match amount {
            _ if matches!(self, Self::Packages(_)) => 0,
            amount if amount.abs() < 1.0 => 2,
            amount if amount.abs() < 100.0 => 1,
            _ => 0,
        };
        let unit = match self {
            Self::Seconds(_) => " s",
            Self::Milliseconds(_) => " ms",
            Self::Resident(amount) if *amount <= UNSEEN => return write!(f, "under {UNSEEN} MB"),
            Self::Megabytes(_) | Self::Resident(_) => " MB",
            Self::Packages(_) => "",
        };
        write!(f, "{amount:.digits$}{unit}")
    }
}

impl Figure {
    /// A figure where nothing can go wrong.
    pub(crate) fn plain(cost: Cost) -> Self {
        Self { faults: 0, counts: String::new(), cost }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.counts.as_str() {
            "" => write!(f, "{}", self.cost),
            counts => write!(f, "{counts}; {}", self.cost),
        }
    }
}

/// The same runs of both clients, one run of the one beside one of the other.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Klaviyo's own client.
    pub(crate) official: Vec<Figure>,
    pub(crate) own: Vec<Figure>,
}

/// What a row comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Win,
    Tie,
    Loss,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Win => "win",
            Self::Tie => "tie",
            Self::Loss => "**loss**",
        })
    }
}

impl Row {
    /// The cost of ours to that of Klaviyo's: the median of the runs; none if it does not decide, or nothing was spent.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let differ = faults(&self.official) != faults(&self.own);
        let pairs = self.official.iter().zip(&self.own);
        let ratios = pairs.map(|(official, own)| own.cost.weight() / official.cost.weight());
        median(ratios.collect()).filter(|ratio| !differ && ratio.is_finite())
    }

    /// Costs within a twentieth of each other are a tie: the same client differs by that from run to run.
    pub(crate) fn verdict(&self) -> Verdict {
        const NOISE: f64 = 0.05;
        match faults(&self.own).cmp(&faults(&self.official)) {
            std::cmp::Ordering::Less => Verdict::Win,
            std::cmp::Ordering::Greater => Verdict::Loss,
            std::cmp::Ordering::Equal => match self.ratio() {
                Some(ratio) if ratio < 1.0 - NOISE => Verdict::Win,
                Some(ratio) if ratio > 1.0 + NOISE => Verdict::Loss,
                _ => Verdict::Tie,
            },
        }
    }

    /// The name, both figures, the ratio and the verdict.
    fn cells(&self) -> [String; 5] {
        [
            self.name.clone(),
            summary(&self.official),
            summary(&self.own),
            self.ratio().map_or("–".to_owned(), |ratio| format!("{ratio:.2}")),
            self.verdict().to_string(),
        ]
    }
}

/// The faults of the worst run.
pub(crate) fn faults(runs: &[Figure]) -> u64 {
    runs.iter().map(|figure| figure.faults).max().unwrap_or_default()
}

/// The counts of the worst run, and the median of what the runs cost.
fn summary(runs: &[Figure]) -> String {
    let Some(worst) = runs.iter().max_by_key(|figure| figure.faults) else { return String::new() };
    let mut costs: Vec<Cost> = runs.iter().map(|figure| figure.cost).collect();
    costs.sort_by(|one, other| one.amount().total_cmp(&other.amount()));
    let cost = costs.get(costs.len() / 2).copied().unwrap_or(worst.cost);
    Figure { cost, ..worst.clone() }.to_string()
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

/// The rows as a table, in Markdown, its columns below each other.
pub(crate) fn table(official: &str, own: &str, rows: &[Row]) -> String {
    let mut lines = vec![["", official, own, "ratio", ""].map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    });
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(widths) {
            text.push_str(&format!("| {cell:<width$} "));
        }
        text.push_str("|\n");
        if number == 0 {
            text.push_str(&widths.map(|width| format!("|{}", "-".repeat(width + 2))).concat());
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(official: &[(u64, f64)], own: &[(u64, f64)]) -> Row {
        let figures = |runs: &[(u64, f64)]| {
            let figure = |&(faults, seconds): &(u64, f64)| Figure {
                faults,
                counts: format!("{faults} failed"),
                cost: Cost::Seconds(seconds),
            };
            runs.iter().map(figure).collect()
        };
        Row { name: "calls".to_owned(), official: figures(official), own: figures(own) }
    }

    #[test]
    fn counts_decide_before_costs_and_costs_that_are_close_do_not() {
        let verdicts = [
            (row(&[(3, 1.0)], &[(0, 70.0)]), None, Verdict::Win),
            (row(&[(0, 70.0)], &[(1, 1.0)]), None, Verdict::Loss),
            // The worst run counts.
            (row(&[(0, 1.0), (0, 1.0)], &[(0, 0.1), (1, 0.1)]), None, Verdict::Loss),
            (row(&[(0, 2.0)], &[(0, 1.0)]), Some(0.5), Verdict::Win),
            (row(&[(0, 1.0)], &[(0, 1.04)]), Some(1.04), Verdict::Tie),
            (row(&[(0, 1.0)], &[(0, 1.1)]), Some(1.1), Verdict::Loss),
            // The median of the runs, each beside its own.
            (row(&[(0, 1.0), (0, 9.0), (0, 2.0)], &[(0, 2.0), (0, 9.0), (0, 1.0)]), Some(1.0), Verdict::Tie),
            (row(&[(0, 0.0)], &[(0, 0.0)]), None, Verdict::Tie),
        ];
        for (row, ratio, verdict) in verdicts {
            assert_eq!((row.ratio(), row.verdict()), (ratio, verdict), "{row:?}");
        }
    }

    #[test]
    fn memory_that_cannot_be_told_from_none_does_not_decide() {
        let resident = |official: f64, own: f64| Row {
            name: "memory".to_owned(),
            official: vec![Figure::plain(Cost::Resident(official))],
            own: vec![Figure::plain(Cost::Resident(own))],
        };
        assert_eq!(resident(-2.5, 9.0).verdict(), Verdict::Tie);
        assert_eq!(resident(-2.5, 20.0).verdict(), Verdict::Loss);
        assert_eq!(resident(20.0, -2.5).verdict(), Verdict::Win);
    }

    #[test]
    fn what_nobody_would_notice_is_a_tie() {
        let brief = |official: f64, own: f64| Row {
            name: "making".to_owned(),
            official: vec![Figure::plain(Cost::Milliseconds(official))],
            own: vec![Figure::plain(Cost::Milliseconds(own))],
        };
        assert_eq!(brief(0.02, 0.32).verdict(), Verdict::Tie);
        assert_eq!(brief(0.02, 1.2).verdict(), Verdict::Loss);
        assert_eq!(brief(1.2, 0.02).verdict(), Verdict::Win);
        assert_eq!([-2.5, 20.0].map(|amount| Cost::Resident(amount).to_string()), ["under 10 MB", "20.0 MB"]);
    }

    #[test]
    fn the_columns_of_a_table_are_below_each_other() {
        let rows = [row(&[(3, 1.25), (2, 130.0), (2, 0.5)], &[(0, 70.0), (0, 70.0), (0, 80.0)])];
        assert_eq!(
            table("theirs", "ours", &rows),
            "\
|       | theirs          | ours             | ratio |     |
|-------|-----------------|------------------|-------|-----|
| calls | 3 failed; 1.2 s | 0 failed; 70.0 s | –     | win |
"
        );
    }
}

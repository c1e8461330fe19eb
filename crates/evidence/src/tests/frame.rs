use super::Market;
use crate::frame::Frame;

#[test]
fn columns_become_features_and_what_gives_the_answer_away_is_left_out() {
    let mut market = Market::seeded(9);
    let names: Vec<String> =
        ["Company", "Title", "Staff", "Country", "Call seconds", "Stage after"].map(String::from).into();
    let (mut rows, mut won) = (Vec::new(), Vec::new());
    for at in 0..600 {
        let owner = market.yes(0.5);
        let wins = market.yes(if owner { 0.4 } else { 0.1 });
        let seconds = if wins { 200.0 + market.unit() * 100.0 } else { market.unit() * 230.0 };
        rows.push(vec![
            format!("Company {at}"),
            if owner { "Owner".into() } else { "Clerk".into() },
            if at % 4 == 0 { String::new() } else { format!("{}", 1.0 + market.unit() * 80.0) },
            "Australia".into(),
            format!("{seconds:.0}"),
            if wins { "Closed".into() } else { "Select".into() },
        ]);
        won.push(wins);
    }
    let seen: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
    let frame = Frame::learn(&names, &seen, &won);
    assert_eq!(
        frame.names(),
        ["Title = Owner", "Title = Clerk", "Staff", "Staff is empty"].map(String::from).to_vec().tap(&rows)
    );
    let left: Vec<&str> = frame.set_aside.iter().map(|column| column.column.as_str()).collect();
    assert_eq!(left, ["Company", "Country", "Call seconds", "Stage after"]);
    let features = frame.features(&["x".into(), "owner?".into(), "unknown".into()]);
    assert_eq!(features, [0.0, 0.0, 0.0, 1.0]);
}

/// The order of words follows how often they stand in the rows.
trait Tap {
    fn tap(self, rows: &[Vec<String>]) -> Self;
}

impl Tap for Vec<String> {
    fn tap(mut self, rows: &[Vec<String>]) -> Self {
        let owners = rows.iter().filter(|row| row[1] == "Owner").count();
        if owners * 2 < rows.len() {
            self.swap(0, 1);
        }
        self
    }
}

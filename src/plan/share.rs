//! Who gets the workers of a database: each run one in turn, so that no job holds up another.
//!
//! A log is followed for ever. Where more is to be done than there are places, runs take turns: at each
//! turn another one is the first that places are dealt to. And who gets which part of a run's pace.

use serde::Deserialize;

/// How many workers a run could use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// That follow a log, for ever.
    pub followers: usize,
    /// That copy or catch up, which comes to an end.
    pub copiers: usize,
}

impl Demand {
    pub fn all(self) -> usize {
        self.followers.saturating_add(self.copiers)
    }
}

/// What each run gets of so many places at a turn. Logs come first: what is not read of them is lost one
/// day. But where anybody copies, one place is for that; a single place is for both by turns.
pub fn share(places: usize, demands: &[Demand], turn: usize) -> Vec<Demand> {
    let (turn, reserved) = match places {
        0 => (turn, 0),
        1 => (turn / 2, usize::from(copies(demands)) * (turn % 2)),
        _ => (turn, usize::from(copies(demands))),
    };
    let first = turn.checked_rem(demands.len()).unwrap_or(0);
    let mut demands = demands.to_vec();
    demands.rotate_left(first);
    let mut grants = vec![Demand::default(); demands.len()];
    let mut left = places - reserved;
    deal(&mut left, &mut demands, &mut grants, |demand| {
        &mut demand.followers
    });
    left += reserved;
    deal(&mut left, &mut demands, &mut grants, |demand| {
        &mut demand.copiers
    });
    deal(&mut left, &mut demands, &mut grants, |demand| {
        &mut demand.followers
    });
    grants.rotate_right(first);
    grants
}

fn copies(demands: &[Demand]) -> bool {
    demands.iter().any(|demand| demand.copiers > 0)
}

/// One for each that wants one more, in turn, until nobody does or nothing is left.
fn deal(
    left: &mut usize,
    demands: &mut [Demand],
    grants: &mut [Demand],
    part: impl Fn(&mut Demand) -> &mut usize,
) {
    let mut dealt = true;
    while dealt {
        dealt = false;
        for (demand, grant) in demands.iter_mut().zip(grants.iter_mut()) {
            let wanted = *part(demand);
            let has = part(grant);
            if *left > 0 && *has < wanted {
                *has += 1;
                *left -= 1;
                dealt = true;
            }
        }
    }
}

/// Those that are held to the pace of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Crew {
    /// Copies of units that commit at once, each with a clock of its own.
    pub at_once: u32,
    /// All others, which share the run's.
    pub common: u32,
}

impl Crew {
    /// By how much a clock of its own runs slower than the whole rate.
    pub fn own_slowdown(self) -> f64 {
        f64::from(self.at_once + self.common).max(1.0)
    }

    /// The same for the clock that the others share.
    pub fn common_slowdown(self) -> f64 {
        let common = self.common.max(1);
        f64::from(self.at_once + common) / f64::from(common)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(places: usize, demands: &[(usize, usize)]) -> Vec<(usize, usize)> {
        shared_at(0, places, demands)
    }

    fn shared_at(turn: usize, places: usize, demands: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let demands: Vec<Demand> = demands
            .iter()
            .map(|&(followers, copiers)| Demand { followers, copiers })
            .collect();
        let grants = share(places, &demands, turn);
        assert!(grants.iter().map(|grant| grant.all()).sum::<usize>() <= places);
        for (grant, demand) in grants.iter().zip(&demands) {
            assert!(grant.followers <= demand.followers && grant.copiers <= demand.copiers);
        }
        grants
            .iter()
            .map(|grant| (grant.followers, grant.copiers))
            .collect()
    }

    #[test]
    fn one_job_has_all_it_wants() {
        assert_eq!(shared(4, &[(0, 2)]), [(0, 2)]);
        assert_eq!(shared(4, &[(2, 9)]), [(2, 2)]);
        assert_eq!(shared(4, &[]), []);
        assert_eq!(shared(0, &[(1, 1)]), [(0, 0)]);
    }

    #[test]
    fn several_share_evenly() {
        assert_eq!(shared(4, &[(0, 4), (0, 4)]), [(0, 2), (0, 2)]);
        assert_eq!(
            shared(5, &[(0, 4), (0, 1), (0, 4)]),
            [(0, 2), (0, 1), (0, 2)]
        );
        assert_eq!(
            shared(2, &[(0, 4), (0, 4), (0, 4)]),
            [(0, 1), (0, 1), (0, 0)]
        );
    }

    #[test]
    fn logs_come_first_and_leave_one_place_for_copies() {
        assert_eq!(
            shared(4, &[(2, 0), (2, 0), (0, 3)]),
            [(2, 0), (1, 0), (0, 1)]
        );
        assert_eq!(shared(2, &[(1, 0), (1, 0)]), [(1, 0), (1, 0)]);
        assert_eq!(shared(1, &[(1, 2)]), [(1, 0)]);
        assert_eq!(shared(8, &[(2, 1), (1, 1)]), [(2, 1), (1, 1)]);
    }

    #[test]
    fn who_waits_has_a_turn() {
        // Of three logs two are followed at a time, and only one of them changes with each turn.
        let logs = [(1, 0), (1, 0), (1, 0)];
        assert_eq!(shared_at(0, 2, &logs), [(1, 0), (1, 0), (0, 0)]);
        assert_eq!(shared_at(1, 2, &logs), [(0, 0), (1, 0), (1, 0)]);
        assert_eq!(shared_at(2, 2, &logs), [(1, 0), (0, 0), (1, 0)]);
        assert_eq!(shared_at(3, 2, &logs), shared_at(0, 2, &logs));
        // A single place is for logs and for copies.
        assert_eq!(shared_at(0, 1, &[(1, 2)]), [(1, 0)]);
        assert_eq!(shared_at(1, 1, &[(1, 2)]), [(0, 1)]);
        // Whoever is not in need does not notice.
        for turn in 0..5 {
            assert_eq!(shared_at(turn, 8, &[(1, 3), (0, 2)]), [(1, 3), (0, 2)]);
        }
    }

    #[test]
    fn everybody_is_served_within_as_many_turns_as_there_are_runs() {
        for places in 1..6 {
            let demands: Vec<(usize, usize)> = (0..7).map(|run| (run % 2, (run + 1) % 3)).collect();
            let mut served = vec![(0, 0); demands.len()];
            // A single place is for logs at one turn and for copies at the next.
            let turns = demands.len() * if places == 1 { 2 } else { 1 };
            for turn in 0..turns {
                for (sum, got) in served.iter_mut().zip(shared_at(turn, places, &demands)) {
                    *sum = (sum.0 + got.0, sum.1 + got.1);
                }
            }
            for (served, wanted) in served.iter().zip(&demands) {
                assert!(served.0 > 0 || wanted.0 == 0, "{places} places: {served:?}");
                assert!(served.1 > 0 || wanted.1 == 0, "{places} places: {served:?}");
            }
        }
    }

    #[test]
    fn a_pace_is_divided_without_rest() {
        for (at_once, common) in [(0, 1), (0, 3), (1, 0), (1, 1), (2, 3), (3, 1)] {
            let crew = Crew { at_once, common };
            let own = f64::from(at_once) / crew.own_slowdown();
            let shared = f64::from(u8::from(common > 0)) / crew.common_slowdown();
            assert!(
                (own + shared - 1.0).abs() < 1e-9,
                "{crew:?}: {own} + {shared}"
            );
        }
        assert_eq!(Crew::default().own_slowdown(), 1.0);
        assert_eq!(Crew::default().common_slowdown(), 1.0);
    }
}

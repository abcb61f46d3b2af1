//! Who gets the workers of a database: each run one in turn, so that no job holds up another.

/// How many workers a run could use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// That follow a log, for ever.
    pub followers: usize,
    /// That copy.
    pub copiers: usize,
}

impl Demand {
    pub fn all(self) -> usize {
        self.followers.saturating_add(self.copiers)
    }
}

/// What each run gets of so many places. Logs come first: what is not read of them is lost one day.
/// But where anybody copies, one place is for that.
pub fn share(places: usize, demands: &[Demand]) -> Vec<Demand> {
    let mut grants = vec![Demand::default(); demands.len()];
    let copies = demands.iter().any(|demand| demand.copiers > 0);
    let reserved = usize::from(copies && places > 1);
    let mut left = places - reserved;
    deal(&mut left, demands, &mut grants, |demand| {
        &mut demand.followers
    });
    left += reserved;
    deal(&mut left, demands, &mut grants, |demand| {
        &mut demand.copiers
    });
    deal(&mut left, demands, &mut grants, |demand| {
        &mut demand.followers
    });
    grants
}

/// One for each that wants one more, in turn, until nobody does or nothing is left.
fn deal(
    left: &mut usize,
    demands: &[Demand],
    grants: &mut [Demand],
    part: impl Fn(&mut Demand) -> &mut usize,
) {
    let mut dealt = true;
    while dealt {
        dealt = false;
        for (demand, grant) in demands.iter().zip(grants.iter_mut()) {
            let wanted = *part(&mut demand.clone());
            let has = part(grant);
            if *left > 0 && *has < wanted {
                *has += 1;
                *left -= 1;
                dealt = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(places: usize, demands: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let demands: Vec<Demand> = demands
            .iter()
            .map(|&(followers, copiers)| Demand { followers, copiers })
            .collect();
        let grants = share(places, &demands);
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
}

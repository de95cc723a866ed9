//! The servers of one service together: one of them goes on serving.

use super::server::Rank;

/// A server that could serve, as far as the choice among several needs to know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// The weight that it has.
    pub(super) present: u32,
    /// The weight that it should have for its own sake.
    pub(super) wanted: u32,
    pub(super) rank: Rank,
    pub(super) configured: u32,
}

/// Returns the place of the server that goes on serving because all should stop. It is one that serves already, if there
/// is any, so that clients are not sent from one bad server to the next.
pub(super) fn keeper(candidates: &[Candidate]) -> Option<usize> {
    if candidates.iter().any(|candidate| candidate.wanted > 0) {
        return None;
    }
    let merit = |candidate: &Candidate| (candidate.present > 0, candidate.rank, candidate.configured);
    // Of those that are equal it is the first.
    let best = candidates.iter().enumerate().rev().max_by_key(|(_, candidate)| merit(candidate));
    best.map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(present: u32, wanted: u32, rank: Rank, configured: u32) -> Candidate {
        Candidate { present, wanted, rank, configured }
    }

    #[test]
    fn nobody_is_kept_as_long_as_one_serves() {
        let (down, up) = (candidate(9, 0, Rank::Down, 9), candidate(0, 1, Rank::Serving, 9));
        assert_eq!(keeper(&[down, up]), None);
        assert_eq!(keeper(&[]), None);
    }

    #[test]
    fn the_one_that_serves_is_kept_and_else_the_best() {
        let down = candidate(0, 0, Rank::Down, 9);
        let drained = candidate(5, 0, Rank::Drained, 5);
        let silent = candidate(0, 0, Rank::Silent, 1);
        assert_eq!(keeper(&[down, drained, silent]), Some(1));
        assert_eq!(keeper(&[down, silent]), Some(1));
        assert_eq!(keeper(&[down, down]), Some(0));
        assert_eq!(keeper(&[down, candidate(0, 0, Rank::Down, 10)]), Some(1));
    }
}

//! Chance that a seed decides, so that it is the same again.

use crate::rule::When;
use fastrand::Rng;

impl When {
    /// Whether it is one of these: the request with this number, counted from 1. A percentage is drawn by the
    /// seed, the place (which tells rules with one seed apart) and the number, and by nothing else.
    #[must_use]
    pub fn hits(&self, seed: u64, place: u64, number: u64) -> bool {
        match self {
            Self::Always => true,
            Self::Percent(percent) => draw(seed, place, number) * 100.0 < *percent,
            Self::Numbers(ranges) => ranges.iter().any(|(first, last)| (first..=last).contains(&&number)),
        }
    }
}

/// A number from 0 up to 1 that depends on these three only.
pub fn draw(seed: u64, place: u64, number: u64) -> f64 {
    // Odd constants spread neighbouring seeds over the whole range; the generator mixes them further.
    let place = place.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let number = number.wrapping_mul(0xD1B5_4A32_D192_ED03);
    let mut rng = Rng::with_seed(seed ^ place ^ number.rotate_left(32));
    rng.u64(..);
    rng.f64()
}

//! Places that customers come to: shops, stadiums, airports. Which of ten thousand are around a spot is looked up in a
//! grid, at a cost that does not grow with their number.

use super::extras::Place;
use crate::value::Name;
use std::collections::HashMap;

/// The largest radius of a fence, metres: beyond it is a region, not a place.
pub const RADIUS_M_MAX: f64 = 50_000.0;
/// Fences lie between these latitudes: nearer to the poles the cells of the grid become slivers.
pub const LAT_MAX: f64 = 85.0;
/// Who is inside stays so until this many times the radius away, and [`LEAVE_SLACK_M`] more: positions jitter.
const LEAVE_TIMES: f64 = 1.2;
const LEAVE_SLACK_M: f64 = 50.0;
/// Metres of a degree of latitude, rounded down so that a cell is never too small.
const DEGREE_M: f64 = 110_500.0;
/// The smallest cells, degrees: about a kilometre. Each level has cells four times as large.
const CELL_DEGREES_MIN: f64 = 0.01;
const LEVELS: usize = 4;

/// A place with a border.
#[derive(Debug)]
pub struct Fence {
    /// Unique in the playbook.
    pub id: Name,
    /// Its centre, and its radius as `within_m`.
    pub place: Place,
    /// Its kind: updates may look at fences of one kind only.
    pub group: Option<Name>,
}

/// A fence near a spot.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The fence.
    pub fence: &'a Fence,
    /// The spot is inside, not only so near that who was inside stays inside.
    pub inside: bool,
}

/// All fences of a playbook.
#[derive(Debug, Default)]
pub struct Fences {
    all: Vec<Fence>,
    /// By size of cell: fences whose leave radius a cell of that size holds, by every cell that they touch.
    levels: [HashMap<(i32, i32), Vec<u32>>; LEVELS],
}

impl Fence {
    /// How far from the centre one has left, metres.
    #[must_use]
    pub fn leave_m(&self) -> f64 {
        self.place.within_m * LEAVE_TIMES + LEAVE_SLACK_M
    }
}

impl Fences {
    /// Lays the fences into the grid.
    #[must_use]
    pub fn new(all: Vec<Fence>) -> Self {
        let mut levels: [HashMap<(i32, i32), Vec<u32>>; LEVELS] = Default::default();
        for (ix, fence) in all.iter().enumerate() {
            let north = fence.leave_m() / DEGREE_M;
            let fits = |level: &usize| cell_degrees(*level) >= north;
            let level = (0..LEVELS).find(fits).unwrap_or(LEVELS - 1);
            let cell = cell_degrees(level);
            let east = north / (fence.place.lat.abs() + north).min(89.0).to_radians().cos();
            for row in row(fence.place.lat - north, cell)..=row(fence.place.lat + north, cell) {
                for (west, east) in round_the_earth(fence.place.lon - east, fence.place.lon + east) {
                    for column in column(west, cell)..=column(east, cell) {
                        levels[level].entry((row, column)).or_default().push(ix as u32);
                    }
                }
            }
        }
        Fences { all, levels }
    }

    /// How many fences there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The fences around a spot, of one kind or of any, nearest first.
    #[must_use]
    pub fn around(&self, lat: f64, lon: f64, group: Option<&str>) -> Vec<Around<'_>> {
        let near = |ix: u32| {
            let fence = &self.all[ix as usize];
            let meant = group.is_none_or(|group| fence.group.as_deref() == Some(group));
            let far_m = fence.place.distance_m(lat, lon);
            (meant && far_m <= fence.leave_m())
                .then_some((far_m, Around { fence, inside: far_m <= fence.place.within_m }))
        };
        let mut found: Vec<(f64, Around<'_>)> = self.candidates(lat, lon).filter_map(near).collect();
        found.sort_by(|(one_m, one), (other_m, other)| {
            one_m.total_cmp(other_m).then_with(|| one.fence.id.cmp(&other.fence.id))
        });
        found.into_iter().map(|(_, around)| around).collect()
    }

    /// Fences that share a cell with the spot: all that are looked at.
    fn candidates(&self, lat: f64, lon: f64) -> impl Iterator<Item = u32> + '_ {
        self.levels.iter().enumerate().flat_map(move |(level, cells)| {
            let cell = cell_degrees(level);
            cells.get(&(row(lat, cell), column(lon, cell))).into_iter().flatten().copied()
        })
    }
}

fn cell_degrees(level: usize) -> f64 {
    CELL_DEGREES_MIN * 4_f64.powi(level as i32)
}

fn row(lat: f64, cell: f64) -> i32 {
    lat.div_euclid(cell) as i32
}

fn column(lon: f64, cell: f64) -> i32 {
    lon.div_euclid(cell) as i32
}

/// A stretch of longitudes that may reach across the line where days begin, as stretches that don't.
fn round_the_earth(west: f64, east: f64) -> impl Iterator<Item = (f64, f64)> {
    let beyond_west = (west < -180.0).then_some((west + 360.0, 180.0));
    let beyond_east = (east > 180.0).then_some((-180.0, east - 360.0));
    [Some((west.max(-180.0), east.min(180.0))), beyond_west, beyond_east].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fence(n: usize, lat: f64, lon: f64, within_m: f64) -> Fence {
        Fence { id: format!("f{n}").into(), place: Place { lat, lon, within_m }, group: None }
    }

    fn found(fences: &Fences, lat: f64, lon: f64) -> Vec<(String, bool)> {
        let around = fences.around(lat, lon, None);
        let mut found: Vec<(String, bool)> =
            around.iter().map(|around| (around.fence.id.to_string(), around.inside)).collect();
        found.sort();
        found
    }

    fn walked(fences: &Fences, lat: f64, lon: f64) -> Vec<(String, bool)> {
        let near = |fence: &&Fence| fence.place.distance_m(lat, lon) <= fence.leave_m();
        let told =
            |fence: &Fence| (fence.id.to_string(), fence.place.distance_m(lat, lon) <= fence.place.within_m);
        let mut walked: Vec<(String, bool)> = fences.all.iter().filter(near).map(told).collect();
        walked.sort();
        walked
    }

    proptest! {
        #[test]
        fn the_grid_finds_what_a_walk_over_all_fences_finds(
            places in proptest::collection::vec((-84.9..84.9f64, -180.0..180.0f64, 10.0..RADIUS_M_MAX), 1..40),
            spots in proptest::collection::vec((0..40usize, -0.8..0.8f64, -0.8..0.8f64), 1..40),
        ) {
            let fences =
                Fences::new(places.iter().enumerate().map(|(n, (lat, lon, m))| fence(n, *lat, *lon, *m)).collect());
            for (n, north, east) in spots {
                let (lat, lon, _) = places[n % places.len()];
                let lon = (lon + east + 180.0).rem_euclid(360.0) - 180.0;
                let lat = (lat + north).clamp(-85.0, 85.0);
                prop_assert_eq!(found(&fences, lat, lon), walked(&fences, lat, lon), "at {} {}", lat, lon);
            }
        }
    }

    #[test]
    fn a_fence_reaches_across_the_line_where_days_begin() {
        let fences = Fences::new(vec![fence(0, 0.0, 179.999, 1000.0), fence(1, 0.0, -179.999, 40_000.0)]);
        for lon in [180.0, -180.0, 179.9999, -179.9999] {
            assert_eq!(found(&fences, 0.0, lon).len(), 2, "{lon}");
        }
    }

    #[test]
    fn ten_thousand_fences_cost_a_look_at_a_few() {
        let grid = |side: usize| {
            let spot = |n: usize| (47.0 + (n / side) as f64 * 0.05, 6.0 + (n % side) as f64 * 0.05);
            let fences =
                (0..side * side).map(|n| fence(n, spot(n).0, spot(n).1, 100.0 + (n % 40) as f64 * 50.0));
            Fences::new(fences.collect())
        };
        let looked_at = |fences: &Fences, side: usize| {
            let spots = (0..2000).map(|n| {
                (47.0 + (n % 50) as f64 * side as f64 / 1000.0, 6.0 + (n / 50) as f64 * side as f64 / 800.0)
            });
            spots.map(|(lat, lon)| fences.candidates(lat, lon).count()).max().unwrap_or(0)
        };
        let (few, many) = (looked_at(&grid(10), 10), looked_at(&grid(100), 100));
        assert!(many <= few + 2 && many < 20, "of 100 fences {few} are looked at, of 10,000 {many}");
    }
}

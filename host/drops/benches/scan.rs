//! How many pairs of cell and key a second one core tries: the layer is `drops::scan`, no disk, no network.
//!
//! `cargo bench -p drops --bench scan`

#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // Measuring needs the real clock.

use std::time::Instant;

use bytes::Bytes;
use drops::cell::Cell;
use drops::limits::CELL_BYTES;
use drops::point::Secret;
use drops::scan::{ScanKey, Scanner};
use mail::PublicKey;
use rand_core::OsRng;

const CELLS: usize = 2_048;

fn main() {
    let cells: Vec<Cell> = (0..CELLS)
        .map(|_| {
            let mut bytes = vec![0; CELL_BYTES];
            bytes[..32].copy_from_slice(&Secret::random(&mut OsRng).point().0);
            Cell::try_from(Bytes::from(bytes)).unwrap()
        })
        .collect();
    for keys in [1, 2, 6, 12] {
        let scan_keys = (0..keys).map(|number| ScanKey::new(number, Secret::random(&mut OsRng))).collect();
        let scanner = Scanner::new(PublicKey([9; 32]), scan_keys);
        let start = Instant::now();
        let hits = scanner.scan(&cells).len();
        let one = (CELLS * keys) as f64 / start.elapsed().as_secs_f64();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let start = Instant::now();
        std::thread::scope(|scope| {
            for part in cells.chunks(CELLS.div_ceil(threads)) {
                scope.spawn(|| scanner.scan(part).len());
            }
        });
        let all = (CELLS * keys) as f64 / start.elapsed().as_secs_f64();
        println!(
            "{keys:2} keys: {one:8.0} pairs/s on one core, {all:8.0} on {threads}, {:6.1} ms for a day of 4096 cells, {hits} hits",
            4096.0 * keys as f64 / one * 1000.0
        );
    }
}

//! An allocator of another crate as a payload segment: offsets into a region, which grows by adding a larger region.

use std::rc::Rc;

use offset_allocator::{Allocation, Allocator};
use shmark_models::segment::{self, Growth, LoanRefused, PayloadSegment, SegmentInstance, SegmentShape};
use shmark_models::{Config, RuleViolation};

/// Pieces of a region: far more than the limits allow.
const ALLOCATIONS_MAX: u32 = 256;
/// Slices beyond this are not served, bytes.
const LEN_MAX: usize = 1 << 24;

struct OffsetAllocator;

struct Region {
    number: usize,
    allocator: Allocator,
    bytes: Vec<u8>,
    /// First aligned byte.
    begin: usize,
    units: u32,
    in_use: usize,
}

/// A piece of a region.
#[derive(Clone)]
struct Piece {
    region: usize,
    allocation: Allocation,
    len: usize,
}

struct Regions {
    shape: SegmentShape,
    there: Vec<Region>,
    made: usize,
    loans: usize,
}

impl Region {
    fn new(number: usize, units: u32, align: usize) -> Self {
        let bytes = vec![0; (units as usize + 1) * align];
        let begin = bytes.as_ptr().align_offset(align);
        Self { number, allocator: Allocator::with_max_allocs(units, ALLOCATIONS_MAX), bytes, begin, units, in_use: 0 }
    }
}

impl Regions {
    fn units(&self, len: usize) -> u32 {
        len.max(1).div_ceil(self.shape.align) as u32
    }

    fn begin(&self, piece: &Piece) -> (&Region, usize) {
        let region = self.there.iter().find(|region| region.number == piece.region).unwrap();
        (region, region.begin + piece.allocation.offset as usize * self.shape.align)
    }

    fn slice(&self, piece: &Piece) -> &[u8] {
        let (region, begin) = self.begin(piece);
        &region.bytes[begin..begin + piece.len]
    }

    fn allocate(&mut self, len: usize) -> Option<Piece> {
        let units = self.units(len);
        let region = self.there.last_mut()?;
        let allocation = region.allocator.allocate(units)?;
        region.in_use += 1;
        Some(Piece { region: region.number, allocation, len })
    }

    /// Adds a region that has room for a slice.
    fn grow(&mut self, len: usize) {
        let before = self.there.last().map_or(0, |region| region.units);
        // The allocator rounds sizes up to one of its bins.
        let units = (2 * before).max(2 * self.units(len));
        self.there.push(Region::new(self.made, units, self.shape.align));
        self.made += 1;
        self.tidy();
    }

    fn free(&mut self, piece: &Piece) {
        let region = self.there.iter_mut().find(|region| region.number == piece.region).unwrap();
        region.allocator.free(piece.allocation);
        region.in_use -= 1;
        self.tidy();
    }

    fn tidy(&mut self) {
        let current = self.made - 1;
        self.there.retain(|region| region.number == current || region.in_use > 0);
    }
}

impl SegmentInstance for Regions {
    type Loan = Piece;
    /// Counts its holders.
    type Held = Rc<Piece>;

    fn loan(&mut self, len: usize) -> Result<Piece, LoanRefused> {
        if self.loans == self.shape.loans_max {
            return Err(LoanRefused::TooMany);
        }
        if len > LEN_MAX || (self.shape.growth == Growth::Static && len > self.shape.len_initial) {
            return Err(LoanRefused::TooLong);
        }
        let piece = self.allocate(len).or_else(|| {
            self.grow(len);
            self.allocate(len)
        });
        self.loans += 1;
        Ok(piece.unwrap())
    }

    fn address(&self, loan: &Piece) -> usize {
        self.slice(loan).as_ptr().addr()
    }

    fn contents(&self, loan: &Piece) -> Vec<u8> {
        self.slice(loan).to_vec()
    }

    fn write(&mut self, loan: &mut Piece, bytes: &[u8]) {
        let (_, begin) = self.begin(loan);
        let region = self.there.iter_mut().find(|region| region.number == loan.region).unwrap();
        region.bytes[begin..begin + bytes.len()].copy_from_slice(bytes);
    }

    fn drop_loan(&mut self, loan: Piece) {
        self.loans -= 1;
        self.free(&loan);
    }

    fn send(&mut self, loan: Piece) -> Vec<Rc<Piece>> {
        self.loans -= 1;
        let message = Rc::new(loan);
        vec![message; self.shape.receivers]
    }

    fn received(&self, held: &Rc<Piece>) -> Vec<u8> {
        self.slice(held).to_vec()
    }

    fn give_back(&mut self, held: Rc<Piece>) {
        if let Some(piece) = Rc::into_inner(held) {
            self.free(&piece);
        }
    }

    fn chunks_in_use(&mut self) -> usize {
        self.there.iter().map(|region| region.in_use).sum()
    }

    fn segments(&self) -> usize {
        self.there.len()
    }
}

impl PayloadSegment for OffsetAllocator {
    type Instance = Regions;

    fn create(&self, shape: SegmentShape) -> Option<Regions> {
        // It grows as it likes, which is what best fit allows as long as nobody says how much fits.
        if shape.growth == Growth::PowerOfTwo {
            return None;
        }
        let mut regions = Regions { shape, there: Vec::new(), made: 1, loans: 0 };
        let chunks = shape.loans_max + shape.messages_max;
        // One chunk more for what is lost between pieces.
        let units = regions.units(shape.len_initial) as usize * 2 * chunks;
        regions.there.push(Region::new(0, units as u32, shape.align));
        Some(regions)
    }
}

#[test]
fn offset_allocators_regions_are_a_segment() -> Result<(), RuleViolation> {
    segment::check_operations(&OffsetAllocator, Config::from_env()?)
}

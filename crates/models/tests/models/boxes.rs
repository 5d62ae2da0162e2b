//! A payload segment in ordinary memory, right by itself, that can be told to do one thing wrong.

use shmark_models::segment::{Growth, LoanRefused, PayloadSegment, SegmentInstance, SegmentShape};

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// A chunk is free as soon as one of its holders has given it back.
    ForgetsHolders,
    /// A chunk that receivers hold is loaned again, though all counts are right.
    ReusesHeldChunk,
    /// An outgrown segment stays.
    KeepsOutgrown,
    /// Chunks lie a little too close.
    Overlaps,
    /// A loan that is refused takes a chunk all the same.
    LeaksOnRefusal,
    /// Chunks lie one byte beside where they should.
    Misaligns,
    /// A longer slice is one byte short.
    CutsShort,
    /// A segment that should grow refuses.
    NeverGrows,
    /// A segment that should refuse grows.
    AlwaysGrows,
    /// Growing moves what is there, and forgets those who hold it.
    ClearsOnGrowth,
    /// The last receiver gets nothing.
    ForgetsReceiver,
    /// What is given back is not free again.
    NeverFrees,
    /// Grows to fit, whatever it should.
    FitsOnly,
    /// One loan too many is granted.
    MiscountsLoans,
    /// The length in bytes overflows.
    PanicsWhenHuge,
}

#[derive(Debug)]
pub struct Boxes(pub Fault);

#[derive(Debug)]
struct Region {
    bytes: Vec<u8>,
    begin: usize,
    stride: usize,
    /// Holders of each chunk; a loan is one.
    holders: Vec<usize>,
    /// Which of them were sent.
    sent: Vec<bool>,
}

#[derive(Debug, Clone)]
pub struct Chunk {
    region: usize,
    index: usize,
    /// Where the chunk lies: as its number, if all is right.
    place: usize,
    len: usize,
}

#[derive(Debug)]
pub struct Memory {
    shape: SegmentShape,
    fault: Fault,
    /// Regions that are gone leave their place empty.
    regions: Vec<Option<Region>>,
    len_max: usize,
    loans: usize,
}

impl PayloadSegment for Boxes {
    type Instance = Memory;

    fn create(&self, shape: SegmentShape) -> Option<Memory> {
        let mut memory = Memory { shape, fault: self.0, regions: Vec::new(), len_max: shape.len_initial, loans: 0 };
        memory.add_region();
        Some(memory)
    }
}

impl Memory {
    fn add_region(&mut self) {
        let align = self.shape.align;
        let room = self.len_max.next_multiple_of(align);
        let stride = if self.fault == Fault::Overlaps { room - align.min(room - align) } else { room };
        // More than the limits allow, so that what leaks shows by its count.
        let chunks = self.shape.loans_max + self.shape.messages_max + 60;
        let bytes = vec![0; room * (chunks + 1) + align + 1];
        let begin = bytes.as_ptr().align_offset(align) + usize::from(self.fault == Fault::Misaligns);
        self.regions.push(Some(Region { bytes, begin, stride, holders: vec![0; chunks], sent: vec![false; chunks] }));
    }

    fn region(&self, chunk: &Chunk) -> &Region {
        self.regions[chunk.region].as_ref().unwrap()
    }

    fn slice(&self, chunk: &Chunk) -> &[u8] {
        let region = self.region(chunk);
        &region.bytes[region.begin + chunk.place * region.stride..][..chunk.len]
    }

    fn region_mut(&mut self, chunk: &Chunk) -> &mut Region {
        self.regions[chunk.region].as_mut().unwrap()
    }

    fn grow(&mut self, len: usize) {
        let fits = self.shape.growth == Growth::BestFit || self.fault == Fault::FitsOnly;
        self.len_max = if fits { len } else { len.next_power_of_two() };
        if self.fault == Fault::ClearsOnGrowth {
            self.regions.iter_mut().flatten().for_each(|region| region.bytes.fill(0));
        }
        self.add_region();
        self.tidy();
    }

    fn tidy(&mut self) {
        if self.fault == Fault::KeepsOutgrown {
            return;
        }
        let current = self.regions.len() - 1;
        for region in &mut self.regions[..current] {
            if region.as_ref().is_some_and(|region| region.holders.iter().all(|holders| *holders == 0)) {
                *region = None;
            }
        }
    }

    fn release(&mut self, chunk: &Chunk) {
        let reuses = self.fault == Fault::ForgetsHolders;
        let holders = &mut self.region_mut(chunk).holders[chunk.index];
        *holders = if reuses { 0 } else { *holders - 1 };
        self.tidy();
    }
}

impl SegmentInstance for Memory {
    type Loan = Chunk;
    type Held = Chunk;

    fn loan(&mut self, len: usize) -> Result<Chunk, LoanRefused> {
        if self.fault == Fault::PanicsWhenHuge {
            assert!(isize::try_from(len).is_ok(), "length overflows");
        }
        let more = usize::from(self.fault == Fault::MiscountsLoans);
        let region = self.regions.len() - 1;
        let free = |memory: &Self| {
            let holders = &memory.regions.last().unwrap().as_ref().unwrap().holders;
            holders.iter().position(|holders| *holders == 0).unwrap()
        };
        if self.loans >= self.shape.loans_max + more {
            if self.fault == Fault::LeaksOnRefusal {
                let index = free(self);
                self.regions[region].as_mut().unwrap().holders[index] = 1;
            }
            return Err(LoanRefused::TooMany);
        }
        if len > self.len_max {
            let is_static = self.shape.growth == Growth::Static && self.fault != Fault::AlwaysGrows;
            if is_static || self.fault == Fault::NeverGrows || len > 1 << 30 {
                return Err(LoanRefused::TooLong);
            }
            self.grow(len);
        }
        let (region, index) = (self.regions.len() - 1, free(self));
        let len = len - usize::from(self.fault == Fault::CutsShort && len > 5);
        let mut chunk = Chunk { region, index, place: index, len };
        if self.fault == Fault::ReusesHeldChunk && index > 0 && self.region(&chunk).sent[index - 1] {
            chunk.place = index - 1;
        }
        let region = self.region_mut(&chunk);
        region.holders[index] = 1;
        region.sent[index] = false;
        self.loans += 1;
        Ok(chunk)
    }

    fn address(&self, loan: &Chunk) -> usize {
        self.slice(loan).as_ptr().addr()
    }

    fn contents(&self, loan: &Chunk) -> Vec<u8> {
        self.slice(loan).to_vec()
    }

    fn write(&mut self, loan: &mut Chunk, bytes: &[u8]) {
        let region = self.region_mut(loan);
        region.bytes[region.begin + loan.place * region.stride..][..bytes.len()].copy_from_slice(bytes);
    }

    fn drop_loan(&mut self, loan: Chunk) {
        self.loans -= 1;
        self.release(&loan);
    }

    fn send(&mut self, loan: Chunk) -> Vec<Chunk> {
        self.loans -= 1;
        let receivers = self.shape.receivers;
        let region = self.region_mut(&loan);
        region.holders[loan.index] = receivers;
        region.sent[loan.index] = true;
        vec![loan; receivers - usize::from(self.fault == Fault::ForgetsReceiver)]
    }

    fn received(&self, held: &Chunk) -> Vec<u8> {
        self.slice(held).to_vec()
    }

    fn give_back(&mut self, held: Chunk) {
        if self.fault != Fault::NeverFrees {
            self.release(&held);
        }
    }

    fn chunks_in_use(&mut self) -> usize {
        let in_use = |region: &Region| region.holders.iter().filter(|holders| **holders > 0).count();
        self.regions.iter().flatten().map(in_use).sum()
    }

    fn segments(&self) -> usize {
        self.regions.iter().flatten().count()
    }

    fn len_max(&self) -> Option<usize> {
        Some(self.len_max)
    }
}

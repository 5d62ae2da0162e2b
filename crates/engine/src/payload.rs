//! What can be sent, and where it lies in a chunk.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::error::ServiceError;
use super::shm::{
    ALIGN_MAX, CHUNK_HEADER_BYTES, IMAGE_BYTES, Message, Plain, Received, Shape, TINY_BYTES, slot_payload,
};

/// Largest type, bytes: a larger one fits no segment.
const TYPE_BYTES_MAX: usize = 1 << 40;

/// One value or a slice of values of a plain type.
///
/// Implemented for `T` and `[T]` where `T` is self-contained: no pointer, no padding, every bit pattern valid
/// ([RR-TYP-04](crate#requirements)). Derive zerocopy's `FromBytes`, `IntoBytes` and `Immutable` for your own types.
///
/// ```compile_fail
/// fn needs<P: shmark_engine::Payload + ?Sized>() {}
/// needs::<String>(); // a pointer to a heap object cannot travel
/// ```
/// ```
/// fn needs<P: shmark_engine::Payload + ?Sized>() {}
/// needs::<u64>();
/// needs::<[u8]>();
/// ```
pub trait Payload: sealed::Sealed + 'static {
    /// Type of the value or of the slice's elements.
    type Element: Plain;
    /// Fixed or slice.
    const KIND: Kind;
    /// The number of elements, which for a fixed payload is known when the program is built.
    #[inline(always)]
    fn elements(len: usize) -> usize {
        match Self::KIND {
            Kind::Fixed => 1,
            Kind::Slice => len,
        }
    }
    /// The elements of a chunk as this type. A fixed payload is handed exactly one.
    fn view(elements: &[Self::Element]) -> &Self;
    /// As [`Payload::view`], to write.
    fn view_mut(elements: &mut [Self::Element]) -> &mut Self;
}

mod sealed {
    pub trait Sealed {}
    impl<T: super::Plain> Sealed for T {}
    impl<T: super::Plain> Sealed for [T] {}
}

impl<T: Plain> Payload for T {
    type Element = T;
    const KIND: Kind = Kind::Fixed;
    #[inline(always)]
    fn view(elements: &[T]) -> &T {
        // A fixed payload is loaned with one element, and a received one with another count is refused as corrupted.
        &elements[0]
    }
    #[inline(always)]
    fn view_mut(elements: &mut [T]) -> &mut T {
        &mut elements[0]
    }
}

impl<T: Plain> Payload for [T] {
    type Element = T;
    const KIND: Kind = Kind::Slice;
    #[inline(always)]
    fn view(elements: &[T]) -> &[T] {
        elements
    }
    #[inline(always)]
    fn view_mut(elements: &mut [T]) -> &mut [T] {
        elements
    }
}

/// Marks a port by what it sends and receives: payloads are named only, as they may be unsized.
pub(crate) type Types<Req, Res, ReqHeader, ResHeader> = PhantomData<(ReqHeader, ResHeader, fn(&Req, &Res))>;

/// Marks what has to do with responses alone.
pub(crate) type ResponseTypes<Res, ResHeader> = PhantomData<(ResHeader, fn(&Res))>;

/// Fixed or slice payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One value.
    Fixed,
    /// A slice, whose length is chosen at each loan.
    Slice,
}

/// A type as the service's settings describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeDetail {
    /// Rust's name of the type, without paths: two programs that each have a copy of a type's source mean the same type.
    pub name: String,
    /// Fixed or slice.
    pub kind: Kind,
    /// Bytes of a value.
    pub size: usize,
    /// Alignment, bytes: the type's or the larger one asked for.
    pub align: usize,
}

impl TypeDetail {
    /// Of a payload, with an alignment asked for (1 if none).
    pub fn of<P: Payload + ?Sized>(align_asked: usize) -> Self {
        Self {
            name: without_paths(std::any::type_name::<P::Element>()),
            kind: P::KIND,
            size: size_of::<P::Element>(),
            align: align_of::<P::Element>().max(align_asked),
        }
    }

    /// Whether an opener with type `asked` can use a service with this type ([RR-TYP-01](crate#requirements)).
    pub fn serves(&self, asked: &Self) -> bool {
        self.name == asked.name && self.kind == asked.kind && self.size == asked.size && self.align >= asked.align
    }

    /// Whether this can be the service's `part`: a size that cannot overflow an offset, and an alignment that a mapping can
    /// give. Decides for services that are created, and for those that are found.
    pub(crate) fn check(&self, part: &'static str) -> Result<(), ServiceError> {
        let name = || self.name.clone();
        if !self.align.is_power_of_two() || self.align > ALIGN_MAX {
            return Err(ServiceError::TypeAlignment { part, name: name(), align: self.align, max: ALIGN_MAX });
        }
        if self.size > TYPE_BYTES_MAX {
            return Err(ServiceError::TypeTooLarge { part, name: name(), bytes: self.size, max: TYPE_BYTES_MAX });
        }
        Ok(())
    }
}

/// `Pair<b::Left, [c::Right; 4]>` behind any path becomes `Pair<Left, [Right; 4]>`.
fn without_paths(name: &str) -> String {
    let parts = name.split_inclusive(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':')));
    // What follows the last `::` of a part; a part without one is returned whole.
    parts.map(|part| part.rsplit("::").next().unwrap_or(part)).collect()
}

impl std::fmt::Display for TypeDetail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.kind == Kind::Slice { "slice of " } else { "" };
        write!(f, "{kind}{} ({} bytes, aligned to {})", self.name, self.size, self.align)
    }
}

/// Where things lie in the chunks of one direction; both sides compute it from the service's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkLayout {
    header_offset: usize,
    payload_offset: usize,
    element_bytes: usize,
    /// So many elements, and more, do not fit a slot.
    too_long_for_slot: usize,
    /// Alignment of a chunk: a cache line or what the payload asks for.
    pub align: usize,
}

impl ChunkLayout {
    /// For these types.
    pub fn new(payload: &TypeDetail, header: &TypeDetail) -> Self {
        let header_offset = CHUNK_HEADER_BYTES.next_multiple_of(header.align);
        let payload_offset = (header_offset + header.size).next_multiple_of(payload.align);
        // Where a payload begins in a slot is the same for every type that matches, whatever its own alignment: no gap.
        let aligned = payload.align.max(header.align) <= 8 && header.size.is_multiple_of(payload.align);
        let room = IMAGE_BYTES.checked_sub(payload_offset).filter(|_| aligned);
        let too_long_for_slot = room.map_or(0, |room| room.checked_div(payload.size).map_or(usize::MAX, |max| max + 1));
        Self {
            header_offset,
            payload_offset,
            element_bytes: payload.size,
            too_long_for_slot,
            align: payload.align.max(header.align).max(64),
        }
    }

    /// Bytes of a chunk for up to `len` elements, or nothing if that is beyond the address space.
    pub fn stride(&self, len: usize) -> Option<usize> {
        let bytes = self.element_bytes.checked_mul(len)?.checked_add(self.payload_offset)?;
        bytes.checked_next_multiple_of(self.align).filter(|bytes| isize::try_from(*bytes).is_ok())
    }

    /// Whether a message of `len` elements travels in its slot, header and all.
    #[inline(always)]
    pub fn fits_slot(&self, len: usize) -> bool {
        len < self.too_long_for_slot
    }

    /// Whether a message of one element is tiny.
    pub fn is_tiny(&self) -> bool {
        self.fits_slot(1) && self.payload_offset + self.element_bytes <= TINY_BYTES
    }

    /// Bytes of a message of `len` elements `T` behind a user header `H`, header and all, if it travels in its slot. The
    /// layout is for these types; what they say is known when the program is built.
    #[inline(always)]
    pub fn bytes_in_slot<T, H>(&self, len: usize) -> Option<usize> {
        let payload = slot_payload::<T, H>()?;
        // Nothing overflows: so few elements fit a line.
        self.fits_slot(len).then(|| payload + size_of::<T>() * len)
    }

    /// Whether a message holds what its header says, for these types.
    pub(crate) fn fits<P: Payload + ?Sized, H: Plain>(&self, message: Message<'_>) -> bool {
        let len = usize::try_from(message.header().len).ok().filter(|len| P::KIND == Kind::Slice || *len == 1);
        len.is_some_and(|len| Received::<P::Element, H>::new(message, self.shape(len)).is_some())
    }

    /// The place of `len` elements.
    #[inline(always)]
    pub fn shape(&self, len: usize) -> Shape {
        Shape { header: self.header_offset, payload: self.payload_offset, len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout<P: Payload + ?Sized, H: Plain>(align: usize) -> ChunkLayout {
        ChunkLayout::new(&TypeDetail::of::<P>(align), &TypeDetail::of::<H>(1))
    }

    #[test]
    fn a_small_payload_shares_the_line_of_its_header() {
        let layout = layout::<u64, ()>(1);
        assert_eq!(layout.stride(1), Some(64));
        assert_eq!(layout.shape(1), Shape { header: 24, payload: 24, len: 1 });
    }

    #[test]
    fn what_fits_a_slot_is_32_bytes_with_the_user_header_and_no_wider_alignment() {
        let (bytes, with_header) = (layout::<[u8], ()>(1), layout::<[u8], u64>(1));
        assert!(bytes.fits_slot(32) && !bytes.fits_slot(33));
        assert!(with_header.fits_slot(24) && !with_header.fits_slot(25));
        assert!(layout::<[u64], ()>(8).fits_slot(4) && !layout::<[u64], ()>(8).fits_slot(5));
        assert!(layout::<[()], ()>(1).fits_slot(usize::MAX - 1));
        assert!(!layout::<[u64], ()>(16).fits_slot(1), "a slot's body is aligned to 8 bytes");
        assert!(!layout::<[u8], u64>(16).fits_slot(1), "also where a chunk would have it at the same place");
        assert!(
            !layout::<[u8], u8>(8).fits_slot(1) && !layout::<u64, u8>(1).fits_slot(1),
            "a gap in front of the payload"
        );
        assert!(!layout::<[u64; 5], ()>(1).fits_slot(1));
        assert!(!layout::<[u8], [u64; 5]>(1).fits_slot(0));
    }

    #[test]
    fn copies_of_a_type_in_two_programs_have_one_name() {
        assert_eq!(without_paths("u64"), "u64");
        assert_eq!(without_paths("server::data::Point"), without_paths("client::data::Point"));
        assert_eq!(without_paths("a::Pair<b::Left, [c::d::Right; 4]>"), "Pair<Left, [Right; 4]>");
        assert_eq!(without_paths("(f64, a::Über_1)"), "(f64, Über_1)");
    }

    #[test]
    fn alignment_moves_payload_and_stride() {
        let layout = layout::<[u8], u32>(256);
        assert_eq!(layout.shape(3), Shape { header: 24, payload: 256, len: 3 });
        assert_eq!(layout.stride(1), Some(512));
        assert_eq!(layout.stride(usize::MAX), None);
    }
}

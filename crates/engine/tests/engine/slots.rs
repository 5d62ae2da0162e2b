//! Messages that travel in their slots, for types that are laid out differently on both sides.

use shmark_engine::Node;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::common::{Scratch, name};

mod of_words {
    #[derive(Clone, Copy, Default, PartialEq, Debug, super::FromBytes, super::IntoBytes, super::Immutable)]
    #[repr(transparent)]
    pub struct Sample(pub u64);
}

mod of_bytes {
    #[derive(Clone, Copy, Default, PartialEq, Debug, super::FromBytes, super::IntoBytes, super::Immutable)]
    #[repr(transparent)]
    pub struct Sample(pub [u8; 8]);
}

/// Types match by name and size; whoever opens may need less alignment than the creator (RR-TYP-01). With a small user header
/// the two alone would look for the payload in different places.
#[test]
fn a_type_of_less_alignment_reads_the_same_payload() {
    let scratch = Scratch::new();
    let node = scratch.node();
    exchange_with_header::<u8>(&node, "one byte", 7);
    exchange_with_header::<u32>(&node, "four bytes", 77);
    exchange_with_header::<u64>(&node, "eight bytes", u64::MAX);
}

fn exchange_with_header<H>(node: &Node, of: &str, header: H)
where
    H: FromBytes + IntoBytes + Immutable + Default + Copy + PartialEq + std::fmt::Debug + 'static,
{
    use {of_bytes::Sample as Bytes, of_words::Sample as Words};
    let created = node.service_builder(&name(of)).request_response::<Words, Words>();
    let created = created.request_user_header::<H>().response_user_header::<H>().create().unwrap();
    let opened = node.service_builder(&name(of)).request_response::<Bytes, Bytes>();
    let opened = opened.request_user_header::<H>().response_user_header::<H>().open().unwrap();
    let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
    let words = u64::from_ne_bytes(bytes);
    let (server, client) = (opened.server_builder().create().unwrap(), created.client_builder().create().unwrap());
    let mut request = client.loan().unwrap();
    (*request, *request.user_header_mut()) = (Words(words), header);
    let pending = request.send().unwrap();
    let active = server.receive().unwrap().unwrap();
    assert_eq!((*active, *active.user_header()), (Bytes(bytes), header), "request, header of {of}");
    let mut response = active.loan().unwrap();
    (*response, *response.user_header_mut()) = (Bytes(bytes), header);
    response.send().unwrap();
    let response = pending.receive().unwrap().unwrap();
    assert_eq!((*response, *response.user_header()), (Words(words), header), "response, header of {of}");
}

/// Payload lies as aligned as the service was asked for, also where it would fit a slot (RR-TYP-02).
#[test]
fn a_wide_alignment_holds_for_small_payload() {
    let scratch = Scratch::new();
    let node = scratch.node();
    for align in [1, 8, 16, 64] {
        let service = node.service_builder(&name(&format!("{align}"))).request_response::<[u8], [u8]>();
        let service = service.request_payload_alignment(align).response_payload_alignment(align);
        let service = service.request_user_header::<u64>().response_user_header::<u64>().create().unwrap();
        let (server, client) = (service.server_builder().create().unwrap(), service.client_builder().create().unwrap());
        // Held in different places, so that none of them is aligned by chance.
        let pendings: Vec<_> = (0..4).map(|_| client.loan_slice(1).unwrap().send().unwrap()).collect();
        let actives: Vec<_> = (0..4).map(|_| Box::new((0_u64, server.receive().unwrap().unwrap()))).collect();
        for (pending, active) in pendings.iter().zip(&actives) {
            active.1.loan_slice(1).unwrap().send().unwrap();
            let response = Box::new((0_u64, pending.receive().unwrap().unwrap()));
            for payload in [active.1.payload(), response.1.payload()] {
                let address = payload.as_ptr() as usize;
                assert!(
                    address.is_multiple_of(align),
                    "payload at {address:#x}, asked for alignment {align} (RR-TYP-02)"
                );
            }
        }
    }
}

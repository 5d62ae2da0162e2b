//! Creating and opening services: from the words of the protocol to iceoryx2's types and settings.

use std::collections::BTreeMap;

use iceoryx2::prelude::{
    Alignment, AttributeSet, AttributeSpecifier, AttributeVerifier, Node, PortFactory as _, SemanticString as _,
    ServiceName,
};
use iceoryx2::service::attribute::{AttributeKey, AttributeValue};
use iceoryx2::service::builder::request_response::Builder;
use iceoryx2::service::port_factory::request_response::PortFactory;
use iceoryx2::service::static_config::request_response::StaticConfig;
use shmark_peer::kit::implementation::{Effective, Element, Kind, OpResult, Opening, Qos, Refusal, ServiceSpec};
use shmark_peer::protocol::ErrorClass;

use crate::errors::{refusal, refusal_as};
use crate::payload::{Header, Page, Payload, S};
use crate::ports::{self, AnyService};

/// A service and what it has in force.
pub type Opened = (Box<dyn AnyService>, Effective);

/// Opens or creates a service.
///
/// # Errors
/// What iceoryx2 says; `Unsupported` for user headers in a service of two element types, which this peer was not
/// compiled for: each combination of types is machine code of its own.
pub fn open(node: &Node<S>, opening: Opening, spec: &ServiceSpec) -> OpResult<Opened> {
    match (spec.request.element, spec.request.kind) {
        (Element::U64, Kind::Fixed) => open_request::<u64>(node, opening, spec),
        (Element::Bytes, Kind::Fixed) => open_request::<Page>(node, opening, spec),
        (Element::U64, Kind::Slice) => open_request::<[u64]>(node, opening, spec),
        (Element::Bytes, Kind::Slice) => open_request::<[u8]>(node, opening, spec),
    }
}

fn open_request<Q>(node: &Node<S>, opening: Opening, spec: &ServiceSpec) -> OpResult<Opened>
where
    Q: Answered<u64> + Answered<Page> + Answered<[u64]> + Answered<[u8]> + ?Sized,
{
    let name = ServiceName::new(&spec.name).map_err(refusal)?;
    match (spec.response.element, spec.response.kind) {
        (Element::U64, Kind::Fixed) => <Q as Answered<u64>>::open(node, &name, opening, spec),
        (Element::Bytes, Kind::Fixed) => <Q as Answered<Page>>::open(node, &name, opening, spec),
        (Element::U64, Kind::Slice) => <Q as Answered<[u64]>>::open(node, &name, opening, spec),
        (Element::Bytes, Kind::Slice) => <Q as Answered<[u8]>>::open(node, &name, opening, spec),
    }
}

/// A request payload whose services answer with `P`.
trait Answered<P: Payload + ?Sized>: Payload {
    fn open(node: &Node<S>, name: &ServiceName, opening: Opening, spec: &ServiceSpec) -> OpResult<Opened>;
}

/// Opens a service of one combination of types. iceoryx2's builder has the methods once for each pair of kinds, so that
/// no generic function can call them.
macro_rules! typed {
    ($node:ident, $name:ident, $opening:ident, $spec:ident, $q:ty, $qh:ty, $p:ty, $ph:ty) => {{
        let builder = $node
            .service_builder($name)
            .request_response::<$q, $p>()
            .request_user_header::<$qh>()
            .response_user_header::<$ph>();
        let builder = configure(builder, $spec)?;
        let attributes = &$spec.attributes;
        let service = match $opening {
            Opening::Create => builder.create_with_attributes(&definition(attributes)?).map_err(refusal),
            Opening::Open => builder.open_with_attributes(&requirement(attributes)?).map_err(refusal),
            Opening::OpenOrCreate => builder.open_or_create_with_attributes(&requirement(attributes)?).map_err(refusal),
        }?;
        Ok(opened(service))
    }};
}

macro_rules! answered {
    ($($request:ty => $($same:ty),*; and without headers $($other:ty),*;)*) => {$(
        $(impl Answered<$same> for $request {
            fn open(node: &Node<S>, name: &ServiceName, opening: Opening, spec: &ServiceSpec) -> OpResult<Opened> {
                match (spec.request_header, spec.response_header) {
                    (None, None) => typed!(node, name, opening, spec, Self, (), $same, ()),
                    (Some(_), None) => typed!(node, name, opening, spec, Self, u64, $same, ()),
                    (None, Some(_)) => typed!(node, name, opening, spec, Self, (), $same, u64),
                    (Some(_), Some(_)) => typed!(node, name, opening, spec, Self, u64, $same, u64),
                }
            }
        })*
        $(impl Answered<$other> for $request {
            fn open(node: &Node<S>, name: &ServiceName, opening: Opening, spec: &ServiceSpec) -> OpResult<Opened> {
                if spec.request_header.is_some() || spec.response_header.is_some() {
                    let why = "this peer was compiled without user headers for services of two element types";
                    return Err(Refusal::Unsupported(why.into()));
                }
                typed!(node, name, opening, spec, Self, (), $other, ())
            }
        })*
    )*};
}

answered! {
    u64 => u64, [u64]; and without headers Page, [u8];
    [u64] => u64, [u64]; and without headers Page, [u8];
    Page => Page, [u8]; and without headers u64, [u64];
    [u8] => Page, [u8]; and without headers u64, [u64];
}

fn opened<Q: Payload + ?Sized, QH: Header, P: Payload + ?Sized, PH: Header>(
    service: PortFactory<S, Q, QH, P, PH>,
) -> Opened {
    let effective = Effective { qos: settings(service.static_config()), attributes: attributes(service.attributes()) };
    (ports::service(service), effective)
}

/// Puts all settings of `spec` but types and attributes into a builder.
///
/// # Errors
/// `other` for an alignment that is no power of two.
pub fn configure<Q: Payload + ?Sized, QH: Header, P: Payload + ?Sized, PH: Header>(
    mut builder: Builder<Q, QH, P, PH, S>,
    spec: &ServiceSpec,
) -> OpResult<Builder<Q, QH, P, PH, S>> {
    if let Some(align) = spec.request.align {
        builder = builder.request_payload_alignment(alignment(align)?);
    }
    if let Some(align) = spec.response.align {
        builder = builder.response_payload_alignment(alignment(align)?);
    }
    macro_rules! set {
        ($($setting:ident => $method:ident,)*) => {
            $(if let Some(value) = spec.qos.$setting {
                builder = builder.$method(value);
            })*
        };
    }
    set! {
        overflow_requests => enable_safe_overflow_for_requests,
        overflow_responses => enable_safe_overflow_for_responses,
        fire_and_forget => enable_fire_and_forget_requests,
        max_active_requests => max_active_requests_per_client,
        max_loaned_requests => max_loaned_requests,
        max_borrowed_responses => max_borrowed_responses_per_pending_response,
        response_buffer => max_response_buffer_size,
        max_servers => max_servers,
        max_clients => max_clients,
        max_nodes => max_nodes,
    }
    Ok(builder)
}

fn alignment(bytes: usize) -> OpResult<Alignment> {
    Alignment::new(bytes)
        .ok_or_else(|| refusal_as(ErrorClass::Other, format!("Alignment::new({bytes}): not a power of two")))
}

fn settings(config: &StaticConfig) -> Qos {
    Qos {
        overflow_requests: Some(config.has_safe_overflow_for_requests()),
        overflow_responses: Some(config.has_safe_overflow_for_responses()),
        fire_and_forget: Some(config.does_support_fire_and_forget_requests()),
        max_active_requests: Some(config.max_active_requests_per_client()),
        max_loaned_requests: Some(config.max_loaned_requests()),
        max_borrowed_responses: Some(config.max_borrowed_responses_per_pending_response()),
        response_buffer: Some(config.max_response_buffer_size()),
        max_servers: Some(config.max_servers()),
        max_clients: Some(config.max_clients()),
        max_nodes: Some(config.max_nodes()),
    }
}

fn definition(attributes: &BTreeMap<String, String>) -> OpResult<AttributeSpecifier> {
    let mut definition = AttributeSpecifier::new();
    for (key, value) in attributes {
        let (key, value) = attribute(key, value)?;
        definition = definition.define(&key, &value).map_err(|e| attribute_refusal(&e))?;
    }
    Ok(definition)
}

fn requirement(attributes: &BTreeMap<String, String>) -> OpResult<AttributeVerifier> {
    let mut requirement = AttributeVerifier::new();
    for (key, value) in attributes {
        let (key, value) = attribute(key, value)?;
        requirement = requirement.require(&key, &value).map_err(|e| attribute_refusal(&e))?;
    }
    Ok(requirement)
}

fn attribute(key: &str, value: &str) -> OpResult<(AttributeKey, AttributeValue)> {
    let key = AttributeKey::try_from(key).map_err(|e| attribute_refusal(&e))?;
    let value = AttributeValue::try_from(value).map_err(|e| attribute_refusal(&e))?;
    Ok((key, value))
}

fn attribute_refusal(error: &dyn std::fmt::Debug) -> Refusal {
    refusal_as(ErrorClass::Other, format!("attribute: {error:?}"))
}

fn attributes(set: &AttributeSet) -> BTreeMap<String, String> {
    // Not `Display`, which escapes.
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    set.iter().map(|attribute| (text(attribute.key().as_bytes()), text(attribute.value().as_bytes()))).collect()
}

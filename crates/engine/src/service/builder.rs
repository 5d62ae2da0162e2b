//! Builders of services, with the types that travel.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use super::inner::ServiceInner;
use super::opening::ServiceBuilder;
use super::static_config::{PARTS, StaticConfig, check_types};
use crate::error::ServiceError;
use crate::name::ServiceName;
use crate::node::Node;
use crate::payload::{ChunkLayout, Payload, TypeDetail, Types};
use crate::settings::{RequestedSettings, Settings, service_settings};
use crate::shm::{ALIGN_MAX, Plain};

impl Node {
    /// Starts building a service of this node.
    pub fn service_builder(&self, name: &ServiceName) -> ServiceBuilder {
        ServiceBuilder { node: Arc::clone(&self.inner), name: name.clone() }
    }
}

impl ServiceBuilder {
    /// Request-response with these payloads: `T` for one value, `[T]` for slices.
    pub fn request_response<Req: Payload + ?Sized, Res: Payload + ?Sized>(self) -> RequestResponseBuilder<Req, Res> {
        let (requested_settings, attributes) = Default::default();
        RequestResponseBuilder { service: self, requested_settings, align: [1, 1], attributes, types: PhantomData }
    }
}

/// Settings and types of a service to be created or opened.
///
/// When opening, a count asks for at least that much, a behaviour for exactly that, and what is left out is not checked.
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// use shmark_engine::error::ServiceError;
///
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// let name = ServiceName::new("Camera/Commands")?;
/// let service = node.service_builder(&name).request_response::<u64, [u8]>().max_servers(1).create()?;
///
/// let refused = node.service_builder(&name).request_response::<u64, [u8]>().max_servers(2).open();
/// assert!(matches!(refused, Err(ServiceError::DoesNotSupport { setting: "max_servers", asked: 2, has: 1 })));
/// let refused = node.service_builder(&name).request_response::<u32, [u8]>().open();
/// assert!(matches!(refused, Err(ServiceError::IncompatibleTypes { .. })));
/// # drop(service);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RequestResponseBuilder<Req: ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()> {
    service: ServiceBuilder,
    requested_settings: RequestedSettings,
    align: [usize; 2],
    attributes: BTreeMap<String, String>,
    types: Types<Req, Res, ReqHeader, ResHeader>,
}

macro_rules! setters {
    ($($(#[doc = $meaning:literal])+ $name:ident: $type:ty = $default:literal, by $method:ident;)*) => {$(
        $(#[doc = $meaning])+
        ///
        #[doc = concat!("`", stringify!($default), "` unless configured.")]
        #[must_use]
        pub fn $method(mut self, value: $type) -> Self {
            self.requested_settings.$name = Some(value);
            self
        }
    )*};
}

impl<Req: Payload + ?Sized, Res: Payload + ?Sized, ReqHeader: Plain, ResHeader: Plain>
    RequestResponseBuilder<Req, Res, ReqHeader, ResHeader>
{
    service_settings!(setters);

    /// All settings at once, for callers that have them as data.
    #[must_use]
    pub fn requested_settings(mut self, requested_settings: RequestedSettings) -> Self {
        self.requested_settings = requested_settings;
        self
    }

    /// A user header that travels with every request.
    #[must_use]
    pub fn request_user_header<H: Plain + Default>(self) -> RequestResponseBuilder<Req, Res, H, ResHeader> {
        self.with_headers()
    }

    /// A user header that travels with every response.
    #[must_use]
    pub fn response_user_header<H: Plain + Default>(self) -> RequestResponseBuilder<Req, Res, ReqHeader, H> {
        self.with_headers()
    }

    fn with_headers<A, B>(self) -> RequestResponseBuilder<Req, Res, A, B> {
        let Self { service, requested_settings, align, attributes, .. } = self;
        RequestResponseBuilder { service, requested_settings, align, attributes, types: PhantomData }
    }

    /// Aligns request payloads to at least so many bytes: a power of two up to 4096.
    #[must_use]
    pub fn request_payload_alignment(mut self, bytes: usize) -> Self {
        self.align[0] = bytes;
        self
    }

    /// Aligns response payloads, as [`Self::request_payload_alignment`].
    #[must_use]
    pub fn response_payload_alignment(mut self, bytes: usize) -> Self {
        self.align[1] = bytes;
        self
    }

    /// Defines an attribute when creating, requires it when opening ([RR-SVC-12](crate#requirements)).
    #[must_use]
    pub fn attribute(mut self, key: &str, value: &str) -> Self {
        self.attributes.insert(key.to_owned(), value.to_owned());
        self
    }

    fn types(&self) -> Result<[TypeDetail; 4], ServiceError> {
        if let Some(asked) = self.align.into_iter().find(|align| !align.is_power_of_two() || *align > ALIGN_MAX) {
            return Err(ServiceError::InvalidAlignment { asked });
        }
        let types = [
            TypeDetail::of::<Req>(self.align[0]),
            TypeDetail::of::<Res>(self.align[1]),
            TypeDetail::of::<ReqHeader>(1),
            TypeDetail::of::<ResHeader>(1),
        ];
        check_types(types.each_ref())?;
        Ok(types)
    }

    fn config(&self) -> Result<StaticConfig, ServiceError> {
        let settings = self.requested_settings.for_creation(&self.service.node.config.service)?;
        let config = StaticConfig::new(self.service.name.to_string(), settings, self.types()?, self.attributes.clone());
        // Refused here and not when a folder is there: what cannot be read again is never written.
        config.text()?;
        Ok(config)
    }

    fn check(&self, has: &StaticConfig, asked: &[TypeDetail; 4]) -> Result<(), ServiceError> {
        for ((part, has), asked) in PARTS.into_iter().zip(has.types()).zip(asked) {
            if !has.serves(asked) {
                let (has, asked) = (has.to_string(), asked.to_string());
                return Err(ServiceError::IncompatibleTypes { part, has, asked });
            }
        }
        for (key, asked) in &self.attributes {
            if has.attributes.get(key) != Some(asked) {
                let (key, asked, has) = (key.clone(), asked.clone(), has.attributes.get(key).cloned());
                return Err(ServiceError::IncompatibleAttributes { key, asked, has });
            }
        }
        self.requested_settings.check(&has.settings)
    }

    /// Creates the service.
    ///
    /// # Errors
    /// [`ServiceError::AlreadyExists`] if it exists, whatever its types and settings.
    pub fn create(self) -> Result<Service<Req, Res, ReqHeader, ResHeader>, ServiceError> {
        self.service.create(self.config()?).map(Service::new)
    }

    /// Opens the service.
    ///
    /// # Errors
    /// [`ServiceError::DoesNotExist`], or what does not fit.
    pub fn open(self) -> Result<Service<Req, Res, ReqHeader, ResHeader>, ServiceError> {
        let asked = self.types()?;
        self.service.open(&|has| self.check(has, &asked)).map(Service::new)
    }

    /// Opens the service, or creates it if it does not exist.
    ///
    /// # Errors
    /// What does not fit, if it exists.
    pub fn open_or_create(self) -> Result<Service<Req, Res, ReqHeader, ResHeader>, ServiceError> {
        let asked = self.types()?;
        self.service.open_or_create(&self.config()?, &|has| self.check(has, &asked)).map(Service::new)
    }
}

/// A service that is open: makes clients and servers. Cloning is cheap; it may be sent to other threads.
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// # let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
/// let server = service.server_builder().create()?;
/// std::thread::scope(|scope| {
///     // A port belongs to the thread that made it.
///     let client = scope.spawn(|| {
///         let client = service.client_builder().create().expect("there is room for eight clients");
///         client.send_copy(20).map(drop)
///     });
///     client.join().expect("nothing panics")
/// })?;
/// // Nobody waits for the response any more; the request is received all the same.
/// assert_eq!(server.receive()?.as_deref(), Some(&20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Service<Req: ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()> {
    pub(crate) inner: Arc<ServiceInner>,
    types: Types<Req, Res, ReqHeader, ResHeader>,
}

impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> Clone for Service<Req, Res, ReqHeader, ResHeader> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), types: PhantomData }
    }
}

impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> Service<Req, Res, ReqHeader, ResHeader> {
    fn new(inner: ServiceInner) -> Self {
        Self { inner: Arc::new(inner), types: PhantomData }
    }

    /// Name.
    pub fn name(&self) -> &ServiceName {
        &self.inner.name
    }

    /// All settings in force.
    pub fn settings(&self) -> &Settings {
        self.inner.settings()
    }

    /// Attributes that the creator defined.
    pub fn attributes(&self) -> &BTreeMap<String, String> {
        &self.inner.config.attributes
    }

    /// Nodes, clients and servers that it has now ([RR-PRT-03](crate#requirements)). The memory is 0 if it cannot be
    /// told, for instance for lack of descriptors.
    pub fn info(&self) -> super::ServiceInfo {
        let ServiceInner { config, registry, .. } = &*self.inner;
        super::listing::info(config, registry).unwrap_or_else(|_| super::listing::info_without_memory(config, registry))
    }
}

/// Layouts of the chunks of both directions.
pub(crate) fn layouts(config: &StaticConfig) -> [ChunkLayout; 2] {
    [
        ChunkLayout::new(&config.request, &config.request_header),
        ChunkLayout::new(&config.response, &config.response_header),
    ]
}

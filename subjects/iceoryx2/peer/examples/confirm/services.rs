//! Deviations of services.

use iceoryx2::prelude::{PortFactory as _, ServiceName};

use crate::Deviation;

pub const ZERO_COUNTS: Deviation = Deviation {
    name: "zero-counts",
    requirement: "RR-SVC-10",
    expected: "a count of 0 is taken as 1 when a service with slices is created, as it is with fixed payloads",
    program: |sandbox| {
        let node = sandbox.node()?;
        let fixed = node.service_builder(&"fixed".try_into()?).request_response::<u64, u64>().max_nodes(0).create()?;
        if fixed.static_config().max_nodes() != 1 {
            return Ok(Err("0 nodes are not taken as 1 with fixed payloads either".to_owned()));
        }
        let slice =
            node.service_builder(&"slice".try_into()?).request_response::<[u64], [u64]>().max_nodes(0).create()?;
        match slice.static_config().max_nodes() {
            1 => Ok(Ok(())),
            nodes => Ok(Err(format!("a service with room for {nodes} nodes"))),
        }
    },
};

pub const UTF8_NAMES: Deviation = Deviation {
    name: "utf8-names",
    requirement: "RR-SVC-14",
    expected: "any UTF-8 text of 1 to 255 bytes is a name",
    program: |_| {
        let refused = ["naïve", "名前", "ä"].iter().find_map(|name| Some((name, ServiceName::new(name).err()?)));
        Ok(refused.map_or(Ok(()), |(name, error)| Err(format!("`{name}` is refused: {error}"))))
    },
};

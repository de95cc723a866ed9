//! Network namespaces.

use std::borrow::Cow;

use serde::Serialize;

use crate::view::FoundNamespace;

/// A network namespace with the size of its table.
#[derive(Serialize)]
pub(crate) struct NamespaceFields<'a> {
    netns: String,
    names: &'a [String],
    inode: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Process<'a>>,
    current: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    services: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct Process<'a> {
    id: u32,
    name: Cow<'a, str>,
}

impl<'a> NamespaceFields<'a> {
    pub(crate) fn new(namespace: &'a FoundNamespace) -> Self {
        let is_known = namespace.error.is_none();
        let process = namespace.process.as_ref();
        Self {
            netns: namespace.word(),
            names: &namespace.names,
            inode: namespace.inode,
            process: process.map(|(id, name)| Process { id: *id, name: String::from_utf8_lossy(name) }),
            current: namespace.is_current,
            services: is_known.then_some(namespace.services),
            servers: is_known.then_some(namespace.servers),
            error: namespace.error.as_deref(),
        }
    }
}

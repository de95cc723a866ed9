//! Attributes as bytes.

/// Removes the attributes of one kind.
pub fn without(attributes: &[u8], unwanted: u16) -> Vec<u8> {
    let all = split(attributes);
    all.into_iter().filter(|(kind, _)| *kind != unwanted).flat_map(|(_, bytes)| bytes.to_vec()).collect()
}

/// Splits attributes, with their padding, and returns them with their kinds.
pub fn split(mut attributes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut list = Vec::new();
    while let [low, high, kind, flags, ..] = *attributes {
        let length = usize::from(u16::from_ne_bytes([low, high])).next_multiple_of(4);
        let (first, rest) = attributes.split_at(length.min(attributes.len()));
        list.push((u16::from_ne_bytes([kind, flags]), first));
        attributes = rest;
    }
    list
}

/// Reverses the order of attributes at every level of a message.
pub fn reversed(message: &[u8]) -> Vec<u8> {
    fn attributes(bytes: &[u8], path: &[u16]) -> Vec<u8> {
        let reversed = split(bytes).into_iter().rev().flat_map(|(kind, attribute)| {
            let path = [path, &[kind & 0x7fff]].concat();
            match path[..] {
                [1..=3] | [1 | 2, 10 | 12] => [&attribute[..4], &attributes(&attribute[4..], &path)].concat(),
                _ => attribute.to_vec(),
            }
        });
        reversed.collect()
    }
    [&message[..4], &attributes(&message[4..], &[])].concat()
}

/// Strips the variable parts of a message: the flag of nested attributes, which the kernel does not set, and
/// the padding before 64-bit numbers (`IPVS_STATS_ATTR_PAD`), which only some architectures have.
pub fn canonical(message: &[u8]) -> Vec<u8> {
    fn attributes(bytes: &[u8], path: &[u16]) -> Vec<u8> {
        let mut canonical = Vec::new();
        for (kind, attribute) in split(bytes) {
            let kind = kind & 0x7fff;
            let path = [path, &[kind]].concat();
            let value = match path[..] {
                [1..=3] | [1 | 2, 10 | 12] => attributes(&attribute[4..], &path),
                [1 | 2, 10 | 12, 11] => continue,
                _ => attribute[4..].to_vec(),
            };
            let length = match path.len() {
                1 => value.len() + 4,
                _ => usize::from(u16::from_ne_bytes([attribute[0], attribute[1]])).min(value.len() + 4),
            };
            canonical.extend((length as u16).to_ne_bytes());
            canonical.extend(kind.to_ne_bytes());
            canonical.extend(value);
        }
        canonical
    }
    let nested = matches!(message[0], 1..=11);
    let content = if nested { attributes(&message[4..], &[]) } else { message[4..].to_vec() };
    [&message[..4], &content].concat()
}

//! The format of TensorBoard's event files, limited to scalars.
//!
//! A file is a sequence of records (tensorflow/core/lib/io/record_writer.h). A record is
//!
//! - the length n of its data, as a u64, and the masked checksum of these 8 bytes, as a u32;
//! - n bytes of data, and their masked checksum.
//!
//! All numbers are little-endian. The checksum is the CRC-32C, masked by [`masked`] (tensorflow/core/lib/hash/crc32c.h). The
//! data is an `Event` in protobuf's encoding (tensorflow/core/util/event.proto and framework/summary.proto):
//!
//! | message | field | |
//! |---|---|---|
//! | `Event` | 1 | `double wall_time`, seconds since 1970 |
//! | | 2 | `int64 step` |
//! | | 3 | `string file_version`, `brain.Event:2` in the first record and only there |
//! | | 5 | `Summary summary` |
//! | `Summary` | 1 | `repeated Value value` |
//! | `Value` | 1 | `string tag` |
//! | | 2 | `float simple_value` |

use crc::{CRC_32_ISCSI, Crc};

const CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Returns the start of a file, which is the record of its version.
pub(super) fn file_start(wall_time: f64) -> Vec<u8> {
    let mut version = event(wall_time, 0);
    put_bytes(&mut version, 3, b"brain.Event:2");
    record(&version)
}

/// Returns the record of scalars at one step, each with its tag.
pub(super) fn scalars_record<T: AsRef<str>>(
    wall_time: f64,
    step: u64,
    scalars: &[(T, f64)],
) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, scalar) in scalars {
        let mut value = Vec::new();
        put_bytes(&mut value, 1, tag.as_ref().as_bytes());
        put_float(&mut value, 2, *scalar as f32);
        put_bytes(&mut summary, 1, &value);
    }
    let mut event = event(wall_time, step);
    put_bytes(&mut event, 5, &summary);
    record(&event)
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let checksum = |bytes| masked(CRC_32C.checksum(bytes)).to_le_bytes();
    [&length[..], &checksum(&length), data, &checksum(data)].concat()
}

/// Masks a checksum as TensorFlow does, because the CRC of data that contain CRCs is degenerate.
fn masked(checksum: u32) -> u32 {
    checksum.rotate_right(15).wrapping_add(0xa282_ead8)
}

fn event(wall_time: f64, step: u64) -> Vec<u8> {
    let mut event = Vec::new();
    put_key(&mut event, 1, 1);
    event.extend(wall_time.to_le_bytes());
    // Protobuf leaves out fields that are 0.
    if step > 0 {
        put_key(&mut event, 2, 0);
        put_varint(&mut event, step);
    }
    event
}

/// Appends a field's number and its encoding: 0 for variable length, 1 for eight bytes, 2 for a length and bytes, 5 for four
/// bytes.
fn put_key(message: &mut Vec<u8>, field: u8, encoding: u8) {
    message.push(field << 3 | encoding);
}

fn put_float(message: &mut Vec<u8>, field: u8, value: f32) {
    put_key(message, field, 5);
    message.extend(value.to_le_bytes());
}

fn put_bytes(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    put_key(message, field, 2);
    put_varint(message, bytes.len() as u64);
    message.extend(bytes);
}

/// Appends `value` with seven bits a byte, the lowest first. The top bit of a byte says that more bytes follow.
fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_hex(digits: &str) -> Vec<u8> {
        let (pairs, _) = digits.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16);
        pairs.iter().map(|pair| byte(pair).unwrap()).collect()
    }

    /// The test vectors of RFC 3720, B.4, and the check value that catalogues of CRCs give.
    #[test]
    fn checksums_are_those_of_the_standard() {
        let ascending: Vec<u8> = (0..32).collect();
        for (bytes, wanted) in [
            (&b"123456789"[..], 0xe306_9283),
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&ascending, 0x46dd_794e),
        ] {
            assert_eq!(CRC_32C.checksum(bytes), wanted, "{bytes:?}");
        }
    }

    /// The results of `masked_crc32c` of the Python package tensorboard 2.21.
    #[test]
    fn checksums_are_masked() {
        assert_eq!(masked(CRC_32C.checksum(b"123456789")), 0xc78a_b0e5);
    }

    /// The bytes that `RecordWriter` of the Python package tensorboard 2.21 writes.
    #[test]
    fn records_are_tensorboards_own_byte_for_byte() {
        let start = file_start(1.5e9);
        let wanted =
            "1800000000000000a37f4b2209000000c00b5ad6411a0d627261696e2e4576656e743a324ca9a464";
        assert_eq!(start, from_hex(wanted));
        let scalars = [("sharpness/layer 1", 0.1), ("λ", f64::NEG_INFINITY)];
        let wanted = "33000000000000000ca7205609000000c00b5ad64110ac022a250a180a1173686172706e6573732f\
                      6c61796572203115cdcccc3d0a090a02cebb15000080ffd1078ccf";
        assert_eq!(scalars_record(1.5e9, 300, &scalars), from_hex(wanted));
    }
}

//! A decoder of event files, from their format.

/// Returns the points by tag and step, or the fault of a file.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<(String, u64, u32)>, String> {
    let (mut rest, mut points, mut records) = (bytes, Vec::new(), 0);
    while !rest.is_empty() {
        let data = take_record(&mut rest).ok_or(format!("record {records} is broken"))?;
        let event = fields(data).ok_or(format!("record {records} is no message"))?;
        let time = f64::from_bits(number(&event, 1).ok_or("no time")?);
        if !(1.7e9..1e11).contains(&time) {
            return Err(format!("record {records} is of the time {time}"));
        }
        let step = number(&event, 2).unwrap_or(0);
        match records {
            0 if message(&event, 3) == Some(b"brain.Event:2") => {}
            0 => return Err(format!("record {records} is no start")),
            _ => {
                let summary = message(&event, 5).ok_or("no summary")?;
                for (field, value) in fields(summary).ok_or("no values")? {
                    let Value::Bytes(value) = value else {
                        return Err(format!("field {field} is no value"));
                    };
                    let value = fields(value).ok_or("no value")?;
                    let tag = message(&value, 1).ok_or("no tag")?;
                    let tag = String::from_utf8(tag.to_vec()).map_err(|e| e.to_string())?;
                    let bits = number(&value, 2).ok_or("no scalar")?;
                    points.push((tag, step, bits as u32));
                }
            }
        }
        records += 1;
    }
    Ok(points)
}

/// Computes CRC-32C bit by bit from its polynomial, and TensorFlow's mask from its definition.
fn masked_checksum(bytes: &[u8]) -> u32 {
    let mut register = u32::MAX;
    for byte in bytes {
        register ^= u32::from(*byte);
        for _ in 0..8 {
            let low = register & 1;
            register = (register >> 1) ^ (low * 0x82f6_3b78);
        }
    }
    let checksum = !register;
    checksum.rotate_left(17).wrapping_add(0xa282_ead8)
}

/// Takes the first record and returns its data.
fn take_record<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut take = |count: usize| rest.split_off(..count);
    let word = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?));
    let length = take(8)?;
    let of_length = word(take(4)?)?;
    let data = take(u64::from_le_bytes(length.try_into().ok()?) as usize)?;
    let of_data = word(take(4)?)?;
    let is_whole = of_length == masked_checksum(length) && of_data == masked_checksum(data);
    is_whole.then_some(data)
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Returns a message's fields, by number.
fn fields(mut rest: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut rest)?),
            1 => Value::Number(u64::from_le_bytes(rest.split_off(..8)?.try_into().ok()?)),
            2 => {
                let length = varint(&mut rest)?;
                Value::Bytes(rest.split_off(..usize::try_from(length).ok()?)?)
            }
            5 => {
                let bytes = rest.split_off(..4)?.try_into().ok()?;
                Value::Number(u32::from_le_bytes(bytes).into())
            }
            _ => return None,
        };
        fields.push((key >> 3, value));
    }
    Some(fields)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let byte = *rest.split_off_first()?;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn number(fields: &[(u64, Value<'_>)], wanted: u64) -> Option<u64> {
    fields.iter().find_map(|(field, value)| match value {
        Value::Number(number) if *field == wanted => Some(*number),
        _ => None,
    })
}

fn message<'a>(fields: &[(u64, Value<'a>)], wanted: u64) -> Option<&'a [u8]> {
    fields.iter().find_map(|(field, value)| match value {
        Value::Bytes(bytes) if *field == wanted => Some(*bytes),
        _ => None,
    })
}

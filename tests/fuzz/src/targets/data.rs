//! Data sets of every format, which are read and made into images.

use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use mutatis::Session;
use trainable::data::load;
use trainable::spec::ImageSet;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::Target;
use crate::mutate::below;
use crate::{Input, bytes, text};

/// The IDX files for training and for testing.
const IDX: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];
/// The name of an archive whose own bytes are changed.
const ARCHIVE: &str = "data.npz";
/// The name of an archive that is made of the arrays beside it, so that its checksums are correct.
const MADE: &str = "made.npz";
/// The bytes of an array's magic, version and header length.
const PREAMBLE: usize = 10;

pub(super) const TARGET: Target = Target {
    name: "data",
    corpus,
    mutate,
    run: read,
};

fn noise(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i * i * 7 + 3 * i) as u8).collect()
}

fn corpus() -> Vec<Input> {
    let images = ("<f4", "(4, 3, 2, 2)", floats(48));
    let colours = arrays(["x_train", "y_train"], images, ("<i8", "(4,)", labels(8)));
    let bytes = ("|u1", "(4, 3, 2)", noise(24));
    let grey = arrays(["images", "labels"], bytes, ("|u1", "(4,)", labels(1)));
    let deflated = zipped(&grey, CompressionMethod::Deflated);
    vec![
        idx(|name, bytes| (name.to_owned(), bytes)),
        idx(|name, bytes| (format!("{name}.gz"), gzip(&bytes))),
        cifar(
            &(1..=5)
                .map(|n| format!("data_batch_{n}.bin"))
                .collect::<Vec<_>>(),
            1,
        ),
        cifar(&["train.bin".to_owned(), "test.bin".to_owned()], 2),
        Input::of(ARCHIVE, deflated),
        grey,
        colours,
    ]
}

fn floats(count: usize) -> Vec<u8> {
    let numbers = (0..count).map(|i| (i as f32).sin());
    numbers.flat_map(f32::to_le_bytes).collect()
}

/// Returns the labels 0, 1, 1, 0, each `width` bytes wide.
fn labels(width: usize) -> Vec<u8> {
    let label = |label: u8| (0..width).map(move |place| if place == 0 { label } else { 0 });
    [0, 1, 1, 0].into_iter().flat_map(label).collect()
}

/// Returns three images of 2 x 3 pixels for training and two for testing, each file encoded by `file`.
fn idx(file: impl Fn(&str, Vec<u8>) -> (String, Vec<u8>)) -> Input {
    let header = |fields: &[u32]| {
        fields
            .iter()
            .flat_map(|field| field.to_be_bytes())
            .collect()
    };
    let mut input = Input::default();
    for (names, count) in IDX.chunks(2).zip([3_u32, 2]) {
        let mut images: Vec<u8> = header(&[0x803, count, 2, 3]);
        images.extend(noise(6 * count as usize));
        let mut labels: Vec<u8> = header(&[0x801, count]);
        labels.extend((0..count).map(|label| (label % 2) as u8));
        for (name, bytes) in names.iter().zip([images, labels]) {
            let (name, bytes) = file(name, bytes);
            input = input.with(&name, bytes);
        }
    }
    input
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.expect("memory")
}

/// Returns one or two records in each file, with `labels` labels each.
fn cifar(names: &[String], labels: usize) -> Input {
    let record = |number: usize| {
        let labels = (0..labels).map(move |_| number as u8);
        labels.chain(noise(3 * 32 * 32))
    };
    let file = |input: Input, (number, name): (usize, &String)| {
        let records: Vec<u8> = record(number).chain(record(number + 1)).collect();
        input.with(name, records)
    };
    names.iter().enumerate().fold(Input::default(), file)
}

/// Returns two NumPy arrays; each has a name, a type, a shape and its elements.
fn arrays(names: [&str; 2], images: (&str, &str, Vec<u8>), labels: (&str, &str, Vec<u8>)) -> Input {
    let array = |(kind, shape, elements): (&str, &str, Vec<u8>)| {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        npy(header.as_bytes(), &elements)
    };
    let files = names.map(|name| format!("{name}.npy"));
    Input::of(&files[0], array(images)).with(&files[1], array(labels))
}

fn npy(header: &[u8], elements: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header, elements].concat()
}

fn zipped(input: &Input, method: CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in &input.files {
        let started = archive.start_file(name, options);
        let written = started.map(|()| archive.write_all(bytes));
        written.expect("a name of a file").expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

/// Changes any bytes of a file. In an array it mostly changes the header, in a compressed file mostly the decompressed
/// bytes.
fn mutate(input: &mut Input, session: &mut Session) {
    let names: Vec<_> = input.files.keys().cloned().collect();
    let name = &names[below(session, names.len())];
    let file = input.files.get_mut(name).expect("one of them");
    let is_inside = below(session, 4) > 0;
    match name {
        name if name.ends_with(".npy") && is_inside => array(file, session),
        name if name.ends_with(".gz") && is_inside => {
            let mut inner = Vec::new();
            if GzDecoder::new(&file[..]).read_to_end(&mut inner).is_ok() {
                bytes(session, &mut inner);
                *file = gzip(&inner);
            }
        }
        _ => bytes(session, file),
    }
}

/// Changes the header of an array, and adjusts the header's length.
fn array(file: &mut Vec<u8>, session: &mut Session) {
    let line_end = file.iter().position(|byte| *byte == b'\n');
    let Some(end) = line_end.filter(|end| *end > PREAMBLE) else {
        return bytes(session, file);
    };
    let mut header = file[PREAMBLE..=end].to_vec();
    text(session, &mut header);
    *file = npy(&header, &file[end + 1..]);
}

fn read(directory: &Path) -> bool {
    let path = source(directory).expect("the input's own files");
    load(&path).is_ok_and(|dataset| ImageSet::training(&dataset).is_ok())
}

/// Returns the path to load: the archive that is there or is made of the arrays, or otherwise the directory.
fn source(directory: &Path) -> io::Result<PathBuf> {
    let archive = directory.join(ARCHIVE);
    if archive.exists() {
        return Ok(archive);
    }
    let mut arrays = Input::read(directory)?;
    arrays.files.retain(|name, _| name.ends_with(".npy"));
    if arrays.files.is_empty() {
        return Ok(directory.to_owned());
    }
    let made = directory.join(MADE);
    fs::write(&made, zipped(&arrays, CompressionMethod::Stored))?;
    Ok(made)
}

//! The user's own data: NumPy archives, CIFAR's binary files, and the statistics of their channels.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;
use trainable::data::{self, Dataset, Fault, Pixels, Shape, Split, parse};
use trainable::rng::pcg4d;
use trainable::spec::ImageSet;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Arrays that NumPy wrote are read with the values that NumPy's documentation gives them.
#[test]
fn what_numpy_writes_is_read_as_numpy_means_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/npz");
    let colours = data::load(&folder.join("colours.npz")).unwrap();
    assert_eq!((&colours.name[..], colours.classes), ("colours", 3));
    assert_eq!(colours.train.shape, Shape::from([3, 2, 2]));
    assert_eq!(colours.train.labels, [2, 0, 1, 2, 0, 1]);
    assert!(colours.test.is_none());
    let Pixels::Floats(found) = colours.train.pixels else {
        panic!("floats");
    };
    let places = (0..6).flat_map(|n| (0..3).map(move |c| (n, c)));
    let places = places.flat_map(|(n, c)| [(0, 0), (0, 1), (1, 0), (1, 1)].map(|rk| (n, c, rk)));
    let wanted = places.map(|(n, c, (r, k))| {
        (f64::from(n) + f64::from(c) / 10.0 + f64::from(r) / 100.0 + f64::from(k) / 1000.0) as f32
    });
    assert!(found.into_iter().eq(wanted));

    let keras = data::load(&folder.join("keras.npz")).unwrap();
    assert_eq!((&keras.name[..], keras.classes), ("keras", 4));
    assert_eq!(keras.train.shape, Shape::from([1, 3, 2]));
    assert_eq!(keras.train.labels, [0, 1, 0, 3, 1]);
    let pixels = |images: std::ops::Range<u8>| {
        let image = |n: u8| (0..6).map(move |pixel| 10 * n + pixel);
        Pixels::Bytes(images.flat_map(image).collect())
    };
    assert_eq!(keras.train.pixels, pixels(0..5));
    let test = keras.test.unwrap();
    assert_eq!((test.pixels, test.labels), (pixels(5..8), vec![0, 1, 3]));
}

fn npy(kind: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes.extend(elements);
    bytes
}

fn zip(files: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in files {
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn refused(files: &[(&str, Vec<u8>)]) -> String {
    let bytes = zip(files, CompressionMethod::Deflated);
    parse::npz(&bytes, "set".to_owned())
        .unwrap_err()
        .to_string()
}

/// Returns the error for an archive of these images with the labels 0 and 1.
fn refused_images(kind: &str, shape: &str, elements: &[u8]) -> String {
    let labels = ("labels.npy", npy("|u1", "(2,)", &[0, 1]));
    refused(&[("images.npy", npy(kind, shape, elements)), labels])
}

fn refused_labels(kind: &str, shape: &str, elements: &[u8]) -> String {
    let images = ("images.npy", npy("|u1", "(2, 1, 2)", &[1, 2, 3, 4]));
    refused(&[images, ("labels.npy", npy(kind, shape, elements))])
}

#[test]
fn every_fault_of_an_archive_says_what_was_wanted_and_what_was_found() {
    let good = || npy("|u1", "(2, 1, 2)", &[1, 2, 3, 4]);
    for (found, wanted) in [
        (
            refused(&[("pictures.npy", good())]),
            "arrays: wanted either images.npy and labels.npy, or x_train.npy and y_train.npy, found pictures.npy",
        ),
        (refused(&[]), "found nothing"),
        (
            refused(&[("images.npy", good()), ("x_train.npy", good())]),
            "found images.npy, x_train.npy",
        ),
        (
            refused(&[("images.npy", good())]),
            "arrays: wanted labels.npy, found images.npy",
        ),
        (
            refused_images("<f8", "(2, 1, 1)", &[0; 16]),
            "images.npy: type: wanted u1, f4 or an integer type of 1, 2, 4 or 8 bytes, found \"<f8\"",
        ),
        (
            refused_images("<i4", "(2, 1, 1)", &[0; 8]),
            "images.npy: type: wanted u1 or f4, found <i4",
        ),
        (
            refused_images("|u1", "(2, 2)", &[0; 4]),
            "images.npy: shape: wanted [N, H, W] or [N, C, H, W], found [2, 2]",
        ),
        (
            refused_images("|u1", "(2, 8, 8, 3)", &[0; 384]),
            "numpy.moveaxis(images, -1, 1) puts the channels first, found [2, 8, 8, 3]",
        ),
        (
            refused_images("|u1", "(3, 1, 2)", &[0; 6]),
            "images: labels: wanted 3, one for each image, found 2",
        ),
        (
            refused_images("|u1", "(2, 0, 2)", &[]),
            "images.npy: shape: wanted sides of 1 or more",
        ),
        // The number of elements is 2^64 and a few more, which is 4 in 64 bits.
        (
            refused_images("|u1", "(2, 9223372036854775810, 1)", &[0; 4]),
            "images.npy: shape: wanted sides of 1 or more, 2147483648 bytes at most",
        ),
        (
            refused_images("<f4", "(2, 1, 1)", &[0, 0, 0, 0, 0, 0, 192, 127]),
            "images: pixels: wanted finite numbers, found NaN in image 1",
        ),
        (
            refused_images(">f4", "(2, 1, 1)", &[127, 128, 0, 0, 0, 0, 0, 0]),
            "images: pixels: wanted finite numbers, found inf in image 0",
        ),
        (
            refused_labels("|i1", "(2,)", &[0, 255]),
            "labels.npy: labels: wanted 0 or more, below 2^32, found -1 at index 1",
        ),
        (
            refused_labels("<u8", "(2,)", &[255; 16]),
            "wanted 0 or more, below 2^32, found 18446744073709551615 at index 0",
        ),
        (
            refused_labels("<u4", "(2,)", &[0, 0, 0, 0, 255, 255, 255, 255]),
            "labels: wanted below 2^32 - 1, found 4294967295",
        ),
        (
            refused_labels("|u1", "(2, 1)", &[0, 1]),
            "labels.npy: shape: wanted one axis, found [2, 1]",
        ),
        (
            refused_labels("<f4", "(2,)", &[0; 8]),
            "labels.npy: type: wanted an integer type, found <f4",
        ),
        (
            refused_labels("|u1", "(2,)", &[7, 7]),
            "labels: wanted two classes or more, found only 7",
        ),
    ] {
        assert!(found.contains(wanted), "{wanted}: {found}");
    }
    let error = parse::npz(b"no archive", "set".to_owned()).unwrap_err();
    let wanted = "file: wanted a zip archive (.npz), found ";
    assert!(error.to_string().starts_with(wanted), "{error}");
}

/// Zeros compress a thousandfold. Decompression stops at the number of bytes that the header announces, and a header that
/// announces too many is refused.
#[test]
fn what_decompresses_to_more_than_it_says_is_not_decompressed() {
    let zeros = vec![0; 1 << 26];
    let found = refused_images("|u1", "(2, 1, 2)", &zeros);
    assert_eq!(
        found,
        "images.npy: bytes of the elements: wanted 4, found more"
    );
    let found = refused_images("|u1", "(2, 65536, 65536)", &zeros[..64]);
    let wanted =
        "shape: wanted sides of 1 or more, 2147483648 bytes at most, found [2, 65536, 65536]";
    assert!(found.ends_with(wanted), "{found}");
    let found = refused_images("|u1", "(2, 32768, 32767)", &zeros[..64]);
    let wanted = "bytes of the elements: wanted 2147418112, found 64";
    assert!(found.ends_with(wanted), "{found}");
}

/// Every cut of the archive is an error. Every flipped bit gives an error or the same data set, without a panic.
#[test]
fn a_damaged_archive_is_refused() {
    let files = [
        ("images.npy", npy("|u1", "(2, 1, 2)", &[1, 2, 3, 4])),
        ("labels.npy", npy("|u1", "(2,)", &[0, 1])),
    ];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let whole = zip(&files, method);
        let read = |bytes: &[u8]| parse::npz(bytes, "set".to_owned());
        let good = read(&whole).unwrap();
        for kept in 0..whole.len() {
            assert!(read(&whole[..kept]).is_err(), "{method}, {kept} bytes");
        }
        let mut refused = 0;
        for bit in 0..8 * whole.len() {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            match read(&bytes) {
                Ok(found) => assert_eq!(found, good, "{method}, bit {bit}"),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > whole.len(), "{method}: {refused}");
    }
}

fn cifar(labels: &[&[u8]]) -> Vec<u8> {
    let record = |(number, own): (usize, &&[u8])| {
        let pixels =
            (0..3072).map(move |pixel| (number * 100 + pixel / 1024 * 50 + pixel % 7) as u8);
        own.iter().copied().chain(pixels).collect::<Vec<_>>()
    };
    labels.iter().enumerate().flat_map(record).collect()
}

fn directory(files: &[(&str, Vec<u8>)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, bytes) in files {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}

const BATCHES: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];

#[test]
fn cifar_10_is_read_in_the_order_of_its_files() {
    let mut files: Vec<_> = (0..5)
        .map(|k| (BATCHES[k as usize], cifar(&[&[k], &[9 - k]])))
        .collect();
    let read = |files: &[(&str, Vec<u8>)]| data::load(directory(files).path());
    let set = read(&files).unwrap();
    assert_eq!(
        (set.classes, set.train.shape),
        (10, Shape::from([3, 32, 32]))
    );
    assert_eq!(set.train.labels, [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]);
    assert!(set.test.is_none());
    let Pixels::Bytes(pixels) = &set.train.pixels else {
        panic!("bytes");
    };
    // The expected pixels are one in the second channel of the first file's second image, and one of the second file.
    assert_eq!(pixels[3072 + 1024 + 1], 150 + 3);
    assert_eq!(pixels[2 * 3072 + 2], 2);
    files.push(("test_batch.bin", cifar(&[&[3]])));
    assert_eq!(read(&files).unwrap().test.unwrap().labels, [3]);

    let message = |files: &[(&str, Vec<u8>)]| read(files).unwrap_err().to_string();
    let found = message(&files[..4]);
    assert!(
        found.ends_with("files: wanted data_batch_5.bin, found no such file"),
        "{found}"
    );
    files[2].1.pop();
    let found = message(&files);
    let wanted = "data_batch_3.bin: size of the file: wanted one record of 3073 bytes or more, all whole, found 6145";
    assert!(found.ends_with(wanted), "{found}");
    files[2].1.clear();
    assert!(message(&files).ends_with("all whole, found 0"));
    files[2].1 = cifar(&[&[1], &[10]]);
    let found = message(&files);
    assert!(
        found.ends_with("label: wanted 0 to 9, found 10 in record 1"),
        "{found}"
    );
}

#[test]
fn cifar_100_has_the_fine_labels() {
    let read = |records: &[&[u8]]| data::load(directory(&[("train.bin", cifar(records))]).path());
    let set = read(&[&[19, 99], &[0, 5]]).unwrap();
    assert_eq!((set.classes, &set.train.labels[..]), (100, &[99, 5][..]));
    let message = |records: &[&[u8]]| read(records).unwrap_err().to_string();
    let found = message(&[&[20, 5]]);
    assert!(
        found.ends_with("coarse label: wanted 0 to 19, found 20 in record 0"),
        "{found}"
    );
    let found = message(&[&[0, 5], &[0, 100]]);
    assert!(
        found.ends_with("fine label: wanted 0 to 99, found 100 in record 1"),
        "{found}"
    );
}

/// Returns images of noise whose three channels differ in mean and scale.
fn coloured(pixels: impl Fn(u32, u32) -> Pixels) -> Dataset {
    Dataset {
        name: "noise".to_owned(),
        classes: 2,
        train: Split {
            shape: Shape::from([3, 4, 5]),
            pixels: pixels(50, 60),
            labels: (0..50).map(|i| i % 2).collect(),
        },
        test: None,
    }
}

fn noise(index: u32) -> u32 {
    pcg4d([3, 1, 4, index])[0] >> 8
}

/// Returns the mean and the population standard deviation of every third plane of 20 values, computed directly.
fn by_hand(values: &[f64], channel: usize) -> (f64, f64) {
    let mut own = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if index / 20 % 3 == channel {
            own.push(*value);
        }
    }
    let count = own.len() as f64;
    let mean = own.iter().sum::<f64>() / count;
    let squares = own.iter().map(|value| (value - mean) * (value - mean));
    (mean, (squares.sum::<f64>() / count).sqrt())
}

#[test]
fn statistics_are_those_of_each_channel() {
    let byte = |i: u32| (noise(i) % (40 << (i / 20 % 3))) as u8;
    let float = |i: u32| (noise(i) as f32 / 1e6 - 3.0) * (1.0 + (i / 20 % 3) as f32);
    let bytes = coloured(|n, each| Pixels::Bytes((0..n * each).map(byte).collect()));
    let floats = coloured(|n, each| Pixels::Floats((0..n * each).map(float).collect()));
    let as_f64: [Vec<f64>; 2] = [
        (0..3000).map(|i| f64::from(byte(i)) / 255.0).collect(),
        (0..3000).map(|i| f64::from(float(i))).collect(),
    ];
    for (set, values) in [bytes, floats].iter().zip(&as_f64) {
        let images = ImageSet::training(set).unwrap();
        assert_eq!((images.count(), images.pixels()), (50, 60));
        assert_eq!(images.statistics(), set.train.statistics().unwrap());
        let is_near = |channel: usize, of: usize| {
            let found = images.statistics()[channel];
            let (mean, deviation) = by_hand(values, of);
            let near = |a: f32, b: f64| (f64::from(a) - b).abs() <= 1e-6 * b.abs();
            near(found.mean, mean) && near(found.deviation, deviation)
        };
        for channel in 0..3 {
            assert!(is_near(channel, channel), "{channel}");
            // The negative control: the statistics of another channel do not match.
            assert!(!is_near(channel, (channel + 1) % 3), "{channel}");
        }
    }
}

#[test]
fn a_channel_without_contrast_is_refused() {
    let flat = |value: u8| {
        coloured(|n, each| {
            let pixel = |i: u32| if i / 20 % 3 == 1 { value } else { byte_of(i) };
            Pixels::Bytes((0..n * each).map(pixel).collect())
        })
    };
    let error = ImageSet::training(&flat(77)).unwrap_err().to_string();
    assert!(
        error.contains("wanted a positive standard deviation"),
        "{error}"
    );
    assert!(error.contains("channel 1"), "{error}");
    let tiny = coloured(|n, each| {
        Pixels::Floats(
            (0..n * each)
                .map(|i| byte_of(i).into())
                .map(|x: f32| x * 1e-44)
                .collect(),
        )
    });
    assert!(ImageSet::training(&tiny).is_err());
}

fn byte_of(i: u32) -> u8 {
    (noise(i) % 200) as u8
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), header in "\\PC{0,80}") {
        let _ = parse::npz(&bytes, String::new());
        let _ = parse::npy(&bytes);
        let _: Result<_, Fault> = parse::cifar(parse::CifarKind::Cifar100, &bytes);
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.bytes());
        file.extend(&bytes);
        let _ = parse::npy(&file);
    }

    /// Tests headers with the right fields and arbitrary values.
    #[test]
    fn no_header_panics(kind in "[<>|=]?[a-zé][0-9]{0,2}", shape in "\\([0-9]{0,21}(, ?[0-9]{0,12}){0,4}\\)", bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        let _ = parse::npy(&npy(&kind, &shape, &bytes));
        let images = npy(&kind, &shape, &bytes);
        let labels = ("labels.npy", npy("|u1", "(1,)", &[1]));
        let archive = zip(&[("images.npy", images), labels], CompressionMethod::Stored);
        let _ = parse::npz(&archive, String::new());
    }
}

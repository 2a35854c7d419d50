//! MNIST loads the same from every source, and every fault has its own error that says what and where.

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use trainable::data::{self, DataError, Dataset};

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";
const NAMES: [&str; 4] = [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS];
const TEST_LABELS_GZ: &str = "t10k-labels-idx1-ubyte.gz";
const TEST_LABELS_BYTES: usize = 10_008;

// Directories to load from.

/// The compressed files of the repository.
fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/mnist")
}

/// A directory of the four raw files, written once per run and left in cargo's folder for tests.
fn raw() -> &'static Path {
    static RAW: OnceLock<PathBuf> = OnceLock::new();
    RAW.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mnist-raw");
        fs::create_dir_all(&directory).unwrap();
        for name in NAMES {
            let compressed = fs::File::open(assets().join(format!("{name}.gz"))).unwrap();
            let mut bytes = Vec::new();
            GzDecoder::new(compressed).read_to_end(&mut bytes).unwrap();
            fs::write(directory.join(name), bytes).unwrap();
        }
        directory
    })
}

fn raw_bytes(name: &str) -> Vec<u8> {
    fs::read(raw().join(name)).unwrap()
}

fn link(from: &Path, to: &Path) {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).unwrap();
    }
}

/// All raw files but `name`.
fn directory_without(name: &str) -> TempDir {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for other in NAMES.into_iter().filter(|&other| other != name) {
        link(&raw().join(other), &directory.path().join(other));
    }
    directory
}

/// All raw files, but in the place of one of them (raw, or compressed if `name` ends in .gz) a file of `bytes`.
fn directory_with(name: &str, bytes: &[u8]) -> TempDir {
    let directory = directory_without(name.trim_end_matches(".gz"));
    fs::write(directory.path().join(name), bytes).unwrap();
    directory
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

// What is expected of an error.

fn error_from(directory: &Path) -> DataError {
    data::load(directory).expect_err("a faulty directory must not load")
}

/// The error of a directory in which the file `name` holds `bytes`.
fn error_with(name: &str, bytes: &[u8]) -> DataError {
    error_from(directory_with(name, bytes).path())
}

#[track_caller]
fn assert_says(error: &DataError, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "no {part:?} in {message:?}");
    }
}

#[track_caller]
fn assert_truncated(error: &DataError, name: &str, bytes: usize, kept: usize) {
    assert!(
        matches!(error, DataError::Truncated { wanted, found, .. } if (*wanted, *found) == (bytes, kept)),
        "{error:?}"
    );
    assert_says(
        error,
        &[name, &format!("wanted {bytes} bytes, found {kept}")],
    );
}

#[track_caller]
fn assert_trailing(error: &DataError, name: &str, bytes: usize) {
    let one_more = bytes + 1;
    assert!(
        matches!(error, DataError::TrailingBytes { wanted, found, .. } if (*wanted, *found) == (bytes, one_more)),
        "{error:?}"
    );
    assert_says(
        error,
        &[
            name,
            &format!("wanted {bytes} bytes, found at least {one_more}"),
        ],
    );
}

/// Checks the variant, the message and the source of a damaged labels file; returns the bytes found before the fault.
#[track_caller]
fn assert_damaged(error: &DataError) -> usize {
    let DataError::DamagedGzip { wanted, found, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(*wanted, TEST_LABELS_BYTES);
    assert_says(
        error,
        &[
            TEST_LABELS_GZ,
            &format!("wanted {wanted} uncompressed bytes"),
            &format!("found a fault after {found}"),
        ],
    );
    assert!(error.source().is_some());
    *found
}

// The data.

fn reference() -> &'static Dataset {
    static REFERENCE: OnceLock<Dataset> = OnceLock::new();
    REFERENCE.get_or_init(|| data::load(raw()).unwrap())
}

#[test]
fn the_counts_are_those_published() {
    let Dataset { train, test } = reference();
    assert_eq!(train.labels.len(), 60_000);
    assert_eq!(train.images.len(), 60_000 * data::PIXELS);
    assert_eq!(test.labels.len(), 10_000);
    assert_eq!(test.images.len(), 10_000 * data::PIXELS);
}

#[test]
fn the_first_labels_are_those_published() {
    assert_eq!(reference().train.labels[..5], [5, 0, 4, 1, 9]);
    assert_eq!(reference().test.labels[..5], [7, 2, 1, 0, 4]);
}

#[test]
fn the_bytes_are_those_of_the_files() {
    let Dataset { train, test } = reference();
    assert!(train.images == raw_bytes(TRAIN_IMAGES)[16..]);
    assert!(train.labels == raw_bytes(TRAIN_LABELS)[8..]);
    assert!(test.images == raw_bytes(TEST_IMAGES)[16..]);
    assert!(test.labels == raw_bytes(TEST_LABELS)[8..]);
}

#[test]
fn the_constants_are_the_mean_and_std_of_the_training_pixels() {
    let pixels = &reference().train.images;
    let count = pixels.len() as f64;
    let sum: u64 = pixels.iter().map(|&p| u64::from(p)).sum();
    let squares: u64 = pixels.iter().map(|&p| u64::from(p).pow(2)).sum();
    let mean = sum as f64 / count / 255.0;
    let std = (squares as f64 / count / 255.0_f64.powi(2) - mean * mean).sqrt();
    assert!((mean - f64::from(data::PIXEL_MEAN)).abs() < 1e-6, "{mean}");
    assert!((std - f64::from(data::PIXEL_STD)).abs() < 1e-6, "{std}");
}

#[test]
fn debug_output_is_short() {
    assert!(format!("{:?}", reference()).len() < 100);
}

// The sources.

#[cfg(feature = "embedded-mnist")]
#[test]
fn embedded_equals_raw() {
    assert!(data::embedded().unwrap() == *reference());
}

#[test]
fn compressed_equals_raw() {
    assert!(data::load(&assets()).unwrap() == *reference());
}

#[test]
fn mixed_equals_raw() {
    let directory = directory_with(TEST_LABELS_GZ, &gzip(&raw_bytes(TEST_LABELS)));
    assert!(data::load(directory.path()).unwrap() == *reference());
}

/// The comparisons above can fail.
#[test]
fn one_changed_pixel_is_seen() {
    let mut bytes = raw_bytes(TEST_IMAGES);
    *bytes.last_mut().unwrap() ^= 1;
    let directory = directory_with(TEST_IMAGES, &bytes);
    assert!(data::load(directory.path()).unwrap() != *reference());
}

#[test]
fn raw_is_preferred() {
    let directory = directory_without("");
    fs::write(directory.path().join(TEST_LABELS_GZ), b"damaged").unwrap();
    assert!(data::load(directory.path()).unwrap() == *reference());
}

// The faults.

#[test]
fn a_missing_directory() {
    let root = TempDir::new().unwrap();
    let error = error_from(&root.path().join("absent"));
    assert!(matches!(error, DataError::MissingDirectory { .. }));
    assert_says(&error, &["absent", "wanted a directory", "found nothing"]);
}

#[test]
fn a_file_for_a_directory() {
    let error = error_from(&raw().join(TEST_LABELS));
    assert!(matches!(error, DataError::NotADirectory { .. }));
    assert_says(
        &error,
        &[TEST_LABELS, "wanted a directory", "found something else"],
    );
}

#[test]
fn a_missing_file() {
    for name in NAMES {
        let directory = directory_without(name);
        let error = error_from(directory.path());
        assert!(matches!(error, DataError::Missing { name: missing, .. } if missing == name));
        let wanted = format!("wanted {name} or {name}.gz, found neither");
        assert_says(&error, &[directory.path().to_str().unwrap(), &wanted]);
    }
}

#[test]
fn an_unreadable_file() {
    for name in [TEST_LABELS, TEST_LABELS_GZ] {
        let directory = directory_without(TEST_LABELS);
        fs::create_dir(directory.path().join(name)).unwrap();
        let error = error_from(directory.path());
        assert!(matches!(error, DataError::Unreadable { .. }), "{error:?}");
        assert_says(&error, &[name, "wanted to read", "found that it cannot"]);
        assert!(error.source().unwrap().is::<std::io::Error>());
    }
}

#[test]
fn a_wrong_magic_number() {
    let labels = raw_bytes(TEST_LABELS);
    let error = error_with(TEST_IMAGES, &labels);
    assert!(matches!(
        error,
        DataError::WrongMagic {
            wanted: 0x803,
            found: 0x801,
            ..
        }
    ));
    assert_says(&error, &[TEST_IMAGES, "wanted magic number 0x00000803"]);
    assert_says(&error, &["found 0x00000801"]);
    assert!(!error.to_string().contains("gzip"));
}

#[test]
fn a_gzip_file_under_a_raw_name() {
    let error = error_with(TEST_LABELS, &gzip(&raw_bytes(TEST_LABELS)));
    assert!(matches!(error, DataError::WrongMagic { wanted: 0x801, .. }));
    assert_says(&error, &[TEST_LABELS, "wanted magic number 0x00000801"]);
    assert_says(&error, &["found 0x1f8b", "gzip"]);
}

#[test]
fn a_wrong_count() {
    let error = error_with(TRAIN_LABELS, &raw_bytes(TEST_LABELS));
    assert!(matches!(
        error,
        DataError::WrongCount {
            wanted: 60_000,
            found: 10_000,
            ..
        }
    ));
    assert_says(
        &error,
        &[TRAIN_LABELS, "wanted a count of 60000, found 10000"],
    );
}

#[test]
fn a_wrong_image_size() {
    for (byte, rows, columns) in [(11, 29, 28), (15, 28, 29)] {
        let mut bytes = raw_bytes(TEST_IMAGES);
        bytes[byte] = 29;
        let error = error_with(TEST_IMAGES, &bytes);
        assert!(
            matches!(error, DataError::WrongImageSize { rows: r, columns: c, .. } if (r, c) == (rows, columns)),
            "{error:?}"
        );
        let found = format!("found {rows} x {columns}");
        assert_says(&error, &[TEST_IMAGES, "wanted images of 28 x 28", &found]);
    }
}

#[test]
fn a_truncated_file() {
    for (name, kept) in [
        (TEST_LABELS, [0, 1, 7, 8, 10_007]),
        (TEST_IMAGES, [0, 3, 15, 16, 7_840_015]),
    ] {
        let bytes = raw_bytes(name);
        for kept in kept {
            let error = error_with(name, &bytes[..kept]);
            assert_truncated(&error, name, bytes.len(), kept);
        }
    }
}

#[test]
fn a_whole_gzip_file_of_truncated_data() {
    let bytes = raw_bytes(TEST_LABELS);
    for kept in [0, 7, 10_007] {
        let error = error_with(TEST_LABELS_GZ, &gzip(&bytes[..kept]));
        assert_truncated(&error, TEST_LABELS_GZ, TEST_LABELS_BYTES, kept);
    }
}

#[test]
fn trailing_bytes() {
    for name in NAMES {
        let mut bytes = raw_bytes(name);
        let wanted = bytes.len();
        bytes.extend([0; 3]);
        assert_trailing(&error_with(name, &bytes), name, wanted);
    }
}

/// The decompressor would meet a damaged end if it read on past the wanted bytes.
#[test]
fn a_decompression_bomb_is_not_decompressed() {
    let mut bytes = raw_bytes(TEST_LABELS);
    bytes.resize(32 << 20, 0);
    let mut bomb = gzip(&bytes);
    bomb.truncate(bomb.len() - 100);
    assert_trailing(
        &error_with(TEST_LABELS_GZ, &bomb),
        TEST_LABELS_GZ,
        TEST_LABELS_BYTES,
    );
}

#[test]
fn a_label_above_nine() {
    let mut bytes = raw_bytes(TEST_LABELS);
    bytes[8 + 1234] = 10;
    let error = error_with(TEST_LABELS, &bytes);
    assert!(matches!(
        error,
        DataError::LabelOutOfRange {
            index: 1234,
            found: 10,
            ..
        }
    ));
    assert_says(
        &error,
        &[TEST_LABELS, "wanted labels 0 to 9, found 10 at index 1234"],
    );
}

#[test]
fn a_truncated_gzip_file() {
    let compressed = gzip(&raw_bytes(TEST_LABELS));
    for kept in [0, 1, 9, 10, compressed.len() / 2] {
        let found = assert_damaged(&error_with(TEST_LABELS_GZ, &compressed[..kept]));
        assert!(found < TEST_LABELS_BYTES);
    }
    let without_end = &compressed[..compressed.len() - 1];
    let found = assert_damaged(&error_with(TEST_LABELS_GZ, without_end));
    assert_eq!(found, TEST_LABELS_BYTES);
}

#[test]
fn a_gzip_file_with_a_wrong_checksum() {
    let mut compressed = gzip(&raw_bytes(TEST_LABELS));
    let checksum = compressed.len() - 8;
    compressed[checksum] ^= 1;
    let found = assert_damaged(&error_with(TEST_LABELS_GZ, &compressed));
    assert_eq!(found, TEST_LABELS_BYTES);
}

#[test]
fn a_raw_file_under_a_gzip_name() {
    let found = assert_damaged(&error_with(TEST_LABELS_GZ, &raw_bytes(TEST_LABELS)));
    assert_eq!(found, 0);
}

#[test]
fn bytes_after_the_gzip_member() {
    let mut compressed = gzip(&raw_bytes(TEST_LABELS));
    compressed.extend(b"AB");
    let error = error_with(TEST_LABELS_GZ, &compressed);
    assert!(matches!(
        error,
        DataError::BytesAfterGzip { found: 0x41, .. }
    ));
    assert_says(
        &error,
        &[
            TEST_LABELS_GZ,
            "wanted the end of the file",
            "found byte 0x41",
        ],
    );
}

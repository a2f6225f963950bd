//! Mails of all kinds through the whole path: what was submitted is an exact suffix of what POP3 returns (but for what
//! ARCHITECTURE.md excepts in header sections), at the recipient's gateway over Tox and in the own mailbox.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tests::{Gateway, befriend, network, smtp, wait};

/// A mail and the name it goes by when it is missing.
struct Sample {
    name: String,
    text: Vec<u8>,
}

impl Sample {
    fn new(name: &str, text: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), text: text.into() }
    }

    /// A text file with lines ended as mail ends them.
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("a sample mail");
        let mut text = Vec::with_capacity(bytes.len() + 1000);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            text.extend(line.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')));
            text.extend_from_slice(b"\r\n");
        }
        Self { name: path.display().to_string(), text }
    }
}

/// Bytes that are no text, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn made_here() -> Vec<Sample> {
    let mut samples = vec![
        Sample::new("an empty mail", ""),
        Sample::new("an empty line", "\r\n"),
        Sample::new("headers alone", "Subject: no empty line\r\n"),
        Sample::new("an empty body", "Subject: empty\r\n\r\n"),
        Sample::new("a body alone", "\r\nno header\r\n"),
        Sample::new("no header and no empty line", "just a sentence\r\n"),
        Sample::new("a line that starts with a blank first", " folded nothing\r\nSubject: x\r\n\r\nx\r\n"),
        Sample::new("text behind a header, without an empty line", "Subject: x\r\nand the text\r\n\r\nx\r\n"),
        Sample::new("a byte order mark", "\u{feff}Subject: mark\r\n\r\nx\r\n"),
        Sample::new("out of an mbox", "From a@b Thu Jan  1 00:00:00 1970\r\nSubject: mbox\r\n\r\nFrom x\r\n"),
        Sample::new("dots", "Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.a\r\n. \r\n\r\n.\r\n"),
        Sample::new("a dot at the very start", ".Subject: x\r\n\r\nx\r\n"),
        Sample::new("blank lines at the end", "Subject: end\r\n\r\nend\r\n\r\n\r\n\r\n"),
        Sample::new(
            "what looks like the end of the text",
            "Subject: smuggling\r\n\r\nRSET\r\nQUIT\r\n..\r\nDATA\r\n",
        ),
        Sample::new(
            "UTF-8 in headers",
            "From: Zo\u{eb} <x@tox>\r\nSubject: Gr\u{fc}\u{df}e \u{1f4ec}\r\n\r\nh\u{e9}\r\n",
        ),
        Sample::new("a very long header", format!("Subject: {}\r\n\r\nlong\r\n", "word ".repeat(20_000))),
        Sample::new("many headers", "X-Many: one of many\r\n".repeat(5_000) + "\r\nmany\r\n"),
        Sample::new("Bcc in the body", "Subject: x\r\n\r\nBcc: <not@a.header>\r\n"),
        Sample::new("from somebody else", "From: Bank <office@bank.example>\r\nSubject: x\r\n\r\nx\r\n"),
        Sample::new(
            "results of a check it claims",
            "Authentication-Results: x.tox; auth=pass\r\nReceived: from nowhere\r\nReturn-Path: <a@b>\r\n\r\nx\r\n",
        ),
    ];
    for length in [76, 997, 998, 999, 1000, 4096, 65_536, 1_000_000] {
        let line = "x".repeat(length);
        samples.push(Sample::new(
            &format!("a line of {length}"),
            format!("Subject: line\r\n\r\n{line}\r\nend\r\n"),
        ));
    }
    let mut latin1 = b"Subject: \xe4\xf6\xfc in Latin-1\r\n\r\n".to_vec();
    latin1.extend((0x80..=0xff).chain([0, 1, 7, 0x1b, 0x7f]));
    latin1.extend_from_slice(b"\r\n");
    samples.push(Sample::new("8-bit headers, all bytes", latin1));
    let mut binary = b"Subject: binary\r\nContent-Transfer-Encoding: binary\r\n\r\n".to_vec();
    binary.extend(noise(300_000).into_iter().filter(|byte| !matches!(byte, b'\r' | b'\n')));
    binary.extend_from_slice(b"\r\n");
    samples.push(Sample::new("binary", binary));
    samples.push(Sample::new("an attachment", attachment()));
    samples.push(Sample::new("nested multiparts", nested(60)));
    samples
}

fn attachment() -> String {
    // In pieces of whole groups that fit the pipes of the encoder.
    let encoded: String = noise(2_000_000).chunks(30_000).map(smtp::base64).collect();
    let mut text =
        "Subject: attached\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=b\"\r\n\r\n\
                    --=b\r\nContent-Type: text/plain\r\n\r\nsee there\r\n--=b\r\n\
                    Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
                    Content-Disposition: attachment; filename=noise.bin\r\n\r\n"
            .to_owned();
    for line in encoded.as_bytes().chunks(76) {
        let _ = write!(text, "{}\r\n", String::from_utf8_lossy(line));
    }
    text + "--=b--\r\n"
}

fn nested(depth: usize) -> String {
    let mut text = "Subject: nested\r\nMIME-Version: 1.0\r\n".to_owned();
    for level in 0..depth {
        let _ = write!(text, "Content-Type: multipart/mixed; boundary=\"b{level}\"\r\n\r\n--b{level}\r\n");
    }
    text += "Content-Type: text/plain\r\n\r\nthe innermost\r\n";
    for level in (0..depth).rev() {
        let _ = write!(text, "--b{level}--\r\n");
    }
    text
}

/// The mails of Python's own tests, whatever Python's version.
fn python_mails() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib").expect("/usr/lib can be listed");
    let mails = versions.filter_map(|entry| {
        let path = entry.ok()?.path();
        let is_python = path.file_name()?.to_str()?.starts_with("python3.");
        Some(path.join("test/test_email/data")).filter(|mails| is_python && mails.is_dir())
    });
    mails.max().expect("package libpython3.*-testsuite is installed: run tests/setup.sh tests")
}

/// Mails of other projects, as Debian ships them.
fn of_others() -> Vec<Sample> {
    let python = python_mails();
    let directory = std::fs::read_dir(&python).expect("Python's mails can be listed");
    let mut paths: Vec<_> = directory.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    assert!(paths.len() > 40, "{} mails in {}", paths.len(), python.display());
    let spamassassin = Path::new("/usr/share/doc/spamassassin/examples");
    paths.extend(["sample-spam.txt", "sample-nonspam.txt"].map(|name| spamassassin.join(name)));
    paths.iter().map(|path| Sample::read(path)).collect()
}

/// What of a mail comes: without a byte order mark and `From ` lines before it, with an empty line where text begins without
/// one.
fn as_it_comes(text: &[u8]) -> Vec<u8> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let is_field = |line: &[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii_end();
        line.contains(&b':') && !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
    };
    let mut mail = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(line) = rest.split_inclusive(|byte| *byte == b'\n').next() {
        let is_folded = line.starts_with(b" ") || line.starts_with(b"\t");
        if mail.is_empty() && line.starts_with(b"From ") && !is_field(line) {
            rest = &rest[line.len()..];
            continue;
        }
        if !is_field(line) && (!is_folded || mail.is_empty()) {
            mail.extend_from_slice(if line == b"\r\n" { b"" } else { b"\r\n" });
            break;
        }
        mail.extend_from_slice(line);
        rest = &rest[line.len()..];
    }
    [&mail, rest].concat()
}

/// Whether `mail` is `text` behind whole header lines, and nothing else.
fn is_behind_headers(mail: &[u8], text: &[u8]) -> bool {
    mail.strip_suffix(text).is_some_and(|added| {
        added.split_inclusive(|byte| *byte == b'\n').all(|line| line.ends_with(b"\r\n") && line.len() > 2)
    })
}

/// Each sample is the end of one mail, and no mail is left over.
fn assert_all(mails: &[Vec<u8>], samples: &[Sample]) {
    let mut left: Vec<&[u8]> = mails.iter().map(Vec::as_slice).collect();
    let mut longest_first: Vec<&Sample> = samples.iter().collect();
    longest_first.sort_by_key(|sample| std::cmp::Reverse(sample.text.len()));
    for sample in longest_first {
        let text = as_it_comes(&sample.text);
        let at = left.iter().position(|mail| is_behind_headers(mail, &text));
        let at = at.unwrap_or_else(|| panic!("{} did not come as it was sent", sample.name));
        left.swap_remove(at);
    }
    assert!(left.is_empty(), "{} mails nobody sent", left.len());
}

#[test]
fn every_mail_is_an_exact_suffix_of_what_pop3_returns() {
    let (a, b) = (Gateway::start(network()), Gateway::start(network()));
    befriend(&a, &b, ["anna", "ben"]);
    let mut samples = made_here();
    samples.extend(of_others());

    let own = format!("{}@tox", a.account());
    let mut session = smtp::Session::login(a.smtp(), &a.account(), &a.password());
    for sample in &samples {
        if let Err(refused) = session.send(&a.address(), &["ben@tox", &own], &sample.text) {
            panic!("{}: {refused}", sample.name);
        }
    }
    for gateway in [&b, &a] {
        let mails =
            wait::until("all mails", || Some(gateway.mails()).filter(|mails| mails.len() >= samples.len()));
        assert_all(&mails, &samples);
    }
}

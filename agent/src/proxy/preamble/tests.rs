//! Preambles byte by byte, and taken from real sockets.

use super::parse::{Malformed, Parsed, parse, share};
use super::{Ends, Intake, Refusal, Version};
use Version::{V1, V2};
use proptest::prelude::*;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn ends(client: &str, server: &str) -> Ends {
    Ends { client: client.parse().unwrap(), server: server.parse().unwrap() }
}

fn proxied(client: &str, server: &str) -> Result<Parsed, Malformed> {
    Ok(Parsed::Proxied(ends(client, server)))
}

/// A preamble of version 2: its command and family, and what its length covers.
fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, body].concat()
}

const V4: &[u8] = &[10, 0, 0, 7, 10, 0, 0, 1, 0xc3, 0x50, 0x1f, 0x90];
const LOCAL: Result<Parsed, Malformed> = Ok(Parsed::Local);
const TORN: Result<Parsed, Malformed> = Ok(Parsed::Torn);
const BAD: Result<Parsed, Malformed> = Err(Malformed);

#[test]
fn lines_of_version_1() {
    let check = |bytes: &[u8], expected| assert_eq!(parse(bytes, None), expected, "{:?}", bytes.escape_ascii());
    check(b"PROXY TCP4 10.0.0.7 10.0.0.1 50000 8080\r\n", proxied("10.0.0.7:50000", "10.0.0.1:8080"));
    check(b"PROXY TCP6 2001:db8::7 ::1 50000 443\r\n", proxied("[2001:db8::7]:50000", "[::1]:443"));
    check(b"PROXY UNKNOWN\r\n", LOCAL);
    check(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", LOCAL);
    check(b"", TORN);
    check(b"PRO", TORN);
    check(b"PROXY TCP4 10.0.0.7 10.0.0.1 50000 8080\r", TORN);
    check(b"PROXY\r\n", BAD);
    check(b"PROXYXTCP4 10.0.0.7 10.0.0.1 50000 8080\r\n", BAD);
    check(b"PROXY TCP4 10.0.0.7 10.0.0.1 50000 8080\n", BAD);
    check(b"PROXY TCP4 10.0.0.7 10.0.0.1 50000 65536\r\n", BAD);
    check(b"PROXY TCP4 10.0.0.7 10.0.0.1 50000\r\n", BAD);
    check(b"PROXY TCP4 ::1 ::1 1 2\r\n", BAD);
    check(b"PROXY TCP4 1.2.3.256 10.0.0.1 1 2\r\n", BAD);
    check(b"PROXY UDP4 10.0.0.7 10.0.0.1 1 2\r\n", BAD);
    check(b"PROXY TCP4 10.0.0.7 10.0.0.1 1 2\r\nGET /\n", BAD);
    check(b"GET / HTTP/1.1\r\n", BAD);
    check(b"POST / HTTP/1.1\r\n", BAD);
}

#[test]
fn a_line_has_an_end_within_107_bytes() {
    let line = |length: usize| [&b"PROXY UNKNOWN "[..], &vec![b'x'; length - 16], b"\r\n"].concat();
    assert_eq!(parse(&line(107), None), LOCAL);
    assert_eq!(parse(&line(108)[..107], None), BAD);
    assert_eq!(parse(&line(108)[..106], None), TORN);
}

#[test]
fn version_2() {
    let check = |bytes: &[u8], expected| assert_eq!(parse(bytes, None), expected, "{:?}", bytes.escape_ascii());
    let named = proxied("10.0.0.7:50000", "10.0.0.1:8080");
    check(&v2(0x21, 0x11, V4), named);
    let v6 = [[0; 15].as_slice(), &[7], &[0; 15], &[1], &V4[8..]].concat();
    check(&v2(0x21, 0x21, &v6), proxied("[::7]:50000", "[::1]:8080"));
    // An authority, a checksum that is wrong, a type nobody knows, and one whose length is a lie: none is looked at.
    let extra = [V4, &[2, 0, 1, b'x'], &[3, 0, 4, 1, 2, 3, 4], &[0xe0, 0, 0], &[0xe1, 0xff, 0xff]].concat();
    check(&v2(0x21, 0x11, &extra), named);
    check(&v2(0x20, 0x00, &[]), LOCAL);
    check(&v2(0x20, 0x11, V4), LOCAL);
    check(&v2(0x21, 0x00, &[1, 2, 3]), LOCAL);
    check(&v2(0x21, 0x12, V4), LOCAL);
    check(&v2(0x21, 0x31, &[0; 216]), LOCAL);
    check(&v2(0x21, 0x11, &V4[1..]), BAD);
    check(&v2(0x21, 0x21, &v6[1..]), BAD);
    check(&v2(0x21, 0x31, &[0; 215]), BAD);
    check(&v2(0x21, 0x99, V4), BAD);
    check(&v2(0x22, 0x11, V4), BAD);
    check(&v2(0x11, 0x11, V4), BAD);
    check(&v2(0x21, 0x11, &[0; 2032]), proxied("0.0.0.0:0", "0.0.0.0:0"));
    // Before a byte more is taken.
    check(&v2(0x21, 0x11, &[0; 2033])[..16], BAD);
    check(b"\r\n\r\n\0\r\nQUIT\r", BAD);
    check(b"\x16\x03\x01", BAD);
}

#[test]
fn every_beginning_of_a_preamble_is_torn() {
    for whole in [ends("10.0.0.7:1", "10.0.0.1:2"), ends("[::7]:1", "10.0.0.1:2")] {
        for bytes in [whole.preamble(V1), whole.preamble(V2)] {
            (0..bytes.len()).for_each(|end| assert_eq!(parse(&bytes[..end], None), TORN, "{end} of {bytes:?}"));
        }
    }
}

#[test]
fn one_version_alone() {
    let (v1, v2) = (ends("10.0.0.7:1", "10.0.0.1:2").preamble(V1), ends("10.0.0.7:1", "10.0.0.1:2").preamble(V2));
    assert!(parse(&v1, Some(V1)).is_ok() && parse(&v2, Some(V2)).is_ok());
    assert_eq!((parse(&v1, Some(V2)), parse(&v2, Some(V1))), (BAD, BAD));
}

#[test]
fn addresses_of_two_families_are_written_as_one() {
    let line = |client, server| String::from_utf8(ends(client, server).preamble(V1)).unwrap();
    assert_eq!(line("10.0.0.7:1", "10.0.0.1:2"), "PROXY TCP4 10.0.0.7 10.0.0.1 1 2\r\n");
    assert_eq!(line("[::ffff:10.0.0.7]:1", "10.0.0.1:2"), "PROXY TCP4 10.0.0.7 10.0.0.1 1 2\r\n");
    assert_eq!(line("10.0.0.7:1", "[2001:db8::1]:2"), "PROXY TCP6 ::ffff:10.0.0.7 2001:db8::1 1 2\r\n");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(client: [u8; 4], server: [u8; 4], client6: [u8; 16], server6: [u8; 16], ports: (u16, u16)) {
        // A mapped address is IPv4 again when it is written: it has the tests above.
        let (mut client6, mut server6) = (client6, server6);
        (client6[0], server6[0]) = (0x20, 0x20);
        let v4 = Ends { client: (client, ports.0).into(), server: (server, ports.1).into() };
        let v6 = Ends { client: (client6, ports.0).into(), server: (server6, ports.1).into() };
        for ends in [v4, v6] {
            for version in [V1, V2] {
                prop_assert_eq!(parse(&ends.preamble(version), Some(version)), Ok(Parsed::Proxied(ends)));
            }
        }
    }

    #[test]
    fn hostile_bytes_never_panic(start in 0..4_usize, cut in 0..20_usize, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let starts = [&b""[..], b"PROXY TCP4 ", b"PROXY UNKNOWN", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0"];
        let all = [&starts[start][..cut.min(starts[start].len())], &bytes].concat();
        let _any = parse(&all, None);
        for split in 0..all.len() {
            if let Ok(Parsed::Torn) = parse(&all[..split], None) {
                let ours = share(&all[..split], &all[split..]);
                prop_assert!(ours.is_ok_and(|ours| (1..=all.len() - split).contains(&ours)));
            }
        }
    }
}

/// Sends `pieces` one after the other; what the intake says, and what is left to read afterwards.
async fn arrive(intake: &Intake, pieces: &[&[u8]]) -> (Result<SocketAddr, Refusal>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut taken, _) = listener.accept().await.unwrap();
    client.set_nodelay(true).unwrap();
    let send = async {
        for piece in pieces {
            client.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        client.shutdown().await.unwrap();
    };
    let ((), found) = tokio::join!(send, intake.ends(&mut taken));
    let mut rest = Vec::new();
    taken.read_to_end(&mut rest).await.unwrap();
    (found.map(|ends| ends.client), rest)
}

fn intake(version: Option<Version>, from: &str) -> Intake {
    Intake::Listed { version, from: vec![from.parse().unwrap()] }
}

#[tokio::test]
async fn a_preamble_is_taken_and_nothing_after_it() {
    let named = ends("192.0.2.7:1000", "192.0.2.1:80");
    for version in [V1, V2] {
        let bytes = named.preamble(version);
        let bytewise: Vec<&[u8]> = bytes.chunks(1).chain([&b"hello\n"[..]]).collect();
        let at_once = [&bytes[..], b"hello\n"].concat();
        for pieces in [bytewise, vec![&at_once]] {
            let (client, rest) = arrive(&intake(None, "127.0.0.0/8"), &pieces).await;
            assert_eq!((client, &rest[..]), (Ok(named.client), &b"hello\n"[..]), "{version:?}");
        }
    }
}

#[tokio::test]
async fn who_may_say_it_has_to() {
    let listed = intake(None, "127.0.0.1/32");
    let refusal = async |pieces: &[&[u8]]| arrive(&listed, pieces).await.0.unwrap_err();
    assert_eq!(refusal(&[b"GET / HTTP/1.1\r\n\r\n"]).await, Refusal::Malformed);
    assert_eq!(refusal(&[b"PROXY TCP4 10.0"]).await, Refusal::Gone);
    assert_eq!(refusal(&[]).await, Refusal::Gone);
}

#[tokio::test]
async fn who_may_not_say_it_is_not_believed() {
    let unlisted = intake(None, "10.0.0.0/8");
    for version in [V1, V2] {
        let forged = ends("192.0.2.7:1000", "192.0.2.1:80").preamble(version);
        assert_eq!(arrive(&unlisted, &[&forged]).await.0, Err(Refusal::Untrusted));
        let (client, rest) = arrive(&Intake::Sockets, &[&forged]).await;
        assert!(client.unwrap().ip().is_loopback() && rest == forged, "carried as any other bytes");
    }
    for harmless in [&b"\r\n"[..], b"PROPFIND / HTTP/1.1\r\n\r\n", b"hello", b""] {
        let (client, rest) = arrive(&unlisted, &[harmless]).await;
        assert!(client.unwrap().ip().is_loopback() && rest == harmless);
    }
}

#[tokio::test]
async fn a_balancer_may_speak_for_itself() {
    let local = v2(0x20, 0, &[]);
    let (client, rest) = arrive(&intake(Some(V2), "127.0.0.1/32"), &[&local, b"ping"]).await;
    assert!(client.unwrap().ip().is_loopback() && rest == b"ping");
}

#[tokio::test]
async fn a_preamble_that_does_not_come_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut taken, _) = listener.accept().await.unwrap();
    client.write_all(b"PROXY TCP4").await.unwrap();
    assert_eq!(intake(None, "127.0.0.1/32").ends(&mut taken).await, Err(Refusal::Late));
}

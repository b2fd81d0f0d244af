//! A number that clients read, and replace by a larger one. Fenced, it takes nothing under an epoch that is over.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// The longest line: a word and two numbers.
const LINE_MAX: u64 = 64;

#[derive(Default)]
struct State {
    fenced: bool,
    value: u64,
    newest: u64,
    taken: u64,
    refused: u64,
}

/// See the module. It answers until the program ends.
pub(crate) struct Counter {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Counter {
    pub(crate) fn start(fenced: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = Arc::new(Mutex::new(State { fenced, ..State::default() }));
        let (address, shared) = (listener.local_addr().unwrap(), Arc::clone(&state));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || drop(serve(&stream, &state)));
            }
        });
        Self { address, state }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    fn look<T>(&self, what: impl Fn(&State) -> T) -> T {
        what(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Increments that were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.look(|state| state.taken)
    }

    /// Increments that were taken and are not in the value.
    pub(crate) fn lost(&self) -> u64 {
        self.look(|state| state.taken - state.value)
    }

    /// Increments that came under an old epoch.
    pub(crate) fn refused(&self) -> u64 {
        self.look(|state| state.refused)
    }
}

/// `read EPOCH` is answered with the value, `write EPOCH VALUE` with `ok` or `refused`.
fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if (&mut lines).take(LINE_MAX).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_ascii_whitespace();
        let verb = words.next().unwrap_or_default().to_owned();
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
        let epoch = number().unwrap_or_default();
        let answer = act(&mut state.lock().unwrap_or_else(PoisonError::into_inner), &verb, epoch, number());
        (&mut &*stream).write_all(answer.as_bytes())?;
    }
}

fn act(state: &mut State, verb: &str, epoch: u64, value: Option<u64>) -> String {
    let old = epoch < state.newest;
    state.newest = state.newest.max(epoch);
    match (verb, value) {
        // A fence that knows of a new holder only by its first write would take one of the old one's after the read.
        _ if old && state.fenced => {
            state.refused += 1;
            String::from("refused\n")
        }
        ("write", Some(value)) => {
            state.taken += 1;
            state.value = value;
            String::from("ok\n")
        }
        _ => format!("{}\n", state.value),
    }
}

//! Numbers of any width in bits, one after the other, lowest bit first.
//!
//! Leaves out what the numbers mean ([`super::block`]). Reading beyond the end reads zeros; who reads asks afterwards where
//! it came to.

/// The widest number that is read or written at once, bits.
pub const WIDTH_MAX: u32 = 56;
/// The longest run of ones before a number is written as it is.
const RUN_MAX: u32 = 24;

/// Writes bits at the end of bytes.
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    pending: u64,
    pending_width: u32,
}

impl<'a> BitWriter<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        BitWriter { out, pending: 0, pending_width: 0 }
    }

    /// The low `width` bits of `value`; there must be no others.
    pub fn put(&mut self, value: u64, width: u32) {
        debug_assert!(width <= WIDTH_MAX && value >> width == 0);
        self.pending |= value << self.pending_width;
        self.pending_width += width;
        let whole = self.pending_width / 8;
        self.out.extend_from_slice(&self.pending.to_le_bytes()[..whole as usize]);
        self.pending >>= whole * 8;
        self.pending_width %= 8;
    }

    /// All 64 bits.
    pub fn put_word(&mut self, value: u64) {
        self.put(value & 0xffff_ffff, 32);
        self.put(value >> 32, 32);
    }

    /// A number by its distance from nothing: cheap when it is about `2^low_width`.
    pub fn put_rice(&mut self, value: u32, low_width: u32) {
        let run = value >> low_width;
        if run < RUN_MAX {
            self.put((1 << run) - 1, run + 1);
            self.put(u64::from(value & ((1 << low_width) - 1)), low_width);
        } else {
            self.put((1 << RUN_MAX) - 1, RUN_MAX);
            self.put(u64::from(value), 32);
        }
    }

    /// Fills the last byte up.
    pub fn finish(self) {
        if self.pending_width > 0 {
            self.out.push(self.pending as u8);
        }
    }
}

/// How many bits [`BitWriter::put_rice`] takes.
pub(super) fn rice_width(value: u32, low_width: u32) -> u32 {
    let run = value >> low_width;
    if run < RUN_MAX { run + 1 + low_width } else { RUN_MAX + 32 }
}

/// Reads what [`BitWriter`] wrote.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        BitReader { bytes, at: 0 }
    }

    /// A number of `width` bits, at most [`WIDTH_MAX`].
    pub fn take(&mut self, width: u32) -> u64 {
        let value = self.peek() & ((1 << width) - 1);
        self.at += width as usize;
        value
    }

    pub fn take_word(&mut self) -> u64 {
        let low = self.take(32);
        low | self.take(32) << 32
    }

    pub fn take_rice(&mut self, low_width: u32) -> u32 {
        let ahead = self.peek();
        let run = ahead.trailing_ones();
        if run < RUN_MAX {
            let low = (ahead >> (run + 1)) & ((1 << low_width) - 1);
            self.at += (run + 1 + low_width) as usize;
            (run << low_width) | low as u32
        } else {
            self.at += RUN_MAX as usize;
            self.take(32) as u32
        }
    }

    /// How many bytes were read, the last perhaps in part.
    pub fn bytes_read(&self) -> usize {
        self.at.div_ceil(8)
    }

    /// At least [`WIDTH_MAX`] bits from here on.
    fn peek(&self) -> u64 {
        let from = self.at / 8;
        let word = match self.bytes.get(from..from + 8).and_then(|bytes| bytes.first_chunk()) {
            Some(word) => u64::from_le_bytes(*word),
            None => self.last_word(from),
        };
        word >> (self.at % 8)
    }

    #[cold]
    fn last_word(&self, from: usize) -> u64 {
        let mut word = [0; 8];
        let rest = self.bytes.get(from..).unwrap_or_default();
        word[..rest.len()].copy_from_slice(rest);
        u64::from_le_bytes(word)
    }
}

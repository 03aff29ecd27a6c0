package import CarillonCore

extension RunState {
    /// The number a state has in the table; those from 3 on are final.
    package var number: Int {
        switch self {
        case .pending: 0
        case .running: 1
        case .cancelling: 2
        case .cancelled: 3
        case .failed: 4
        case .completed: 5
        case .skipped: 6
        }
    }

    package init?(number: Int) {
        guard let state = RunState.allCases.first(where: { $0.number == number }) else { return nil }
        self = state
    }
}

extension ProcessIdentity {
    /// `pid:ticks:boot`.
    package var text: String { "\(pid):\(startTicks):\(bootID)" }

    package init?(text: String) {
        let parts = text.split(separator: ":", maxSplits: 2)
        guard parts.count == 3, let pid = Int32(parts[0]), let ticks = UInt64(parts[1]) else { return nil }
        self.init(pid: pid, startTicks: ticks, bootID: String(parts[2]))
    }
}

extension Cause {
    /// `missed REASON DETAIL`, `repeats ID` or `asked DIGEST`.
    package var text: String {
        switch self {
        case .missed(let reason, let detail): "missed \(reason.rawValue)" + (detail.map { " \($0)" } ?? "")
        case .repeats(let run): "repeats \(run)"
        case .asked(let digest): "asked \(digest)"
        }
    }

    /// Nil for what a later release wrote.
    package init?(text: String) {
        let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        switch words.first {
        case "missed" where words.count > 1:
            self = .missed(
                SkipReason(rawValue: String(words[1])) ?? .unknown, detail: words.count > 2 ? String(words[2]) : nil)
        case "repeats" where words.count == 2:
            guard let run = RunID(words[1]) else { return nil }
            self = .repeats(run)
        case "asked" where words.count == 2: self = .asked(String(words[1]))
        default: return nil
        }
    }
}

extension RunID {
    /// Reads an id from its twelve bytes; nil for another number of them.
    package init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 12 else { return nil }
        let second = bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        self.init(second: second, hash: bytes.dropFirst(4).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// Its twelve bytes, the most significant first: their order is the order of ids.
    package var words: (UInt32, UInt32, UInt32) {
        (
            second.bigEndian, UInt32(truncatingIfNeeded: hash >> 32).bigEndian,
            UInt32(truncatingIfNeeded: hash).bigEndian
        )
    }
}

extension Run {
    /// The third place of the unique key of occurrences. A manual run is outside of them: its own number stands there.
    package var keyPart: Int64 { occurrence == nil ? Int64(bitPattern: id.hash | 1) : 0 }
}

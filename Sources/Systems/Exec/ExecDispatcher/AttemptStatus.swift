import CarillonCore
import Timetable

/// What a status file says. The shim writes it line by line; `carillon-shim`'s main file names the fields.
struct AttemptStatus: Hashable, Sendable {
    struct Claim: Hashable, Sendable {
        var shim: Int32
        var bootID: String
        var successCodes: [Int32]
        /// Which file this was written to (`Descriptor.identity`); another one is a copy.
        var file: String?
    }

    struct Start: Hashable, Sendable {
        var pid: Int32
        var ticks: UInt64
        var at: Timestamp
    }

    struct End: Hashable, Sendable {
        enum How: Hashable, Sendable {
            case exit(Int32)
            case signal(Int32)
            /// It never ran, and why; the errno is 0 when none tells it.
            case error(String, code: Int32)
        }

        var at: Timestamp
        var how: How
        /// Bytes of output, those past the cap included.
        var output: Int64
        var wasCancelled: Bool
        /// The errno that ended the log early; 0 when nothing did.
        var logFault: Int32

        /// The machine had no room for it at that moment: it never ran, and may go out again. In words, or nil.
        var passingTrouble: String? {
            guard case .error(let text, let code) = how, SystemError.isPassing(code) else { return nil }
            return text
        }
    }

    /// The shim took over; without it nothing was started.
    var claim: Claim?
    var start: Start?
    var end: End?

    init() {}

    /// Reads a status file; lines that are cut off or unknown are passed over.
    init(parsing bytes: [UInt8]) {
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 7)
                .map { String(decoding: $0, as: UTF8.self) }
            switch words.first {
            case "shim": claim = claim ?? Claim(words)
            case "start": start = start ?? Start(words)
            case "end": end = end ?? End(words)
            default: break
            }
        }
    }

    /// The program's process, as the ledger keeps it.
    var process: ProcessIdentity? {
        guard let claim, let start else { return nil }
        return ProcessIdentity(pid: start.pid, startTicks: start.ticks, bootID: claim.bootID)
    }
}

extension AttemptStatus.Claim {
    fileprivate init?(_ words: [String]) {
        // Whatever a file says, the first process is nobody's shim and nobody's program.
        guard words.count >= 4, let shim = Int32(words[1]), shim > 1 else { return nil }
        self.init(
            shim: shim, bootID: words[2], successCodes: words[3].split(separator: ",").compactMap { Int32($0) },
            file: words.count > 4 ? words[4] : nil)
    }
}

extension AttemptStatus.Start {
    fileprivate init?(_ words: [String]) {
        guard words.count >= 4, let pid = Int32(words[1]), pid > 1, let ticks = UInt64(words[2]),
            let at = Int64(words[3])
        else { return nil }
        self.init(pid: pid, ticks: ticks, at: Timestamp(microseconds: at))
    }
}

extension AttemptStatus.End {
    fileprivate init?(_ words: [String]) {
        guard words.count >= 7, let at = Int64(words[1]), let number = Int32(words[3]), let output = Int64(words[4]),
            let fault = Int32(words[6])
        else { return nil }
        switch words[2] {
        case "exit": how = .exit(number)
        case "signal": how = .signal(number)
        case "error":
            let reason = number == 0 ? [] : [SystemError.text(number)]
            how = .error((words.dropFirst(7) + reason).joined(separator: ": "), code: number)
        default: return nil
        }
        self.at = Timestamp(microseconds: at)
        self.output = output
        self.wasCancelled = words[5] == "1"
        self.logFault = fault
    }
}

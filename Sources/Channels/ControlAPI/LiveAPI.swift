package import CarillonCore
package import CarillonEngine
import Foundation

/// What goes on for as long as somebody listens, as server-sent events: what changes, and what a run writes.
package struct LiveAPI<Clock: EngineClock>: Sendable {
    private let log: EventLog
    private let clock: Clock
    private let desk: @Sendable (Order, Caller) async -> Reply

    package init(_ log: EventLog, _ clock: Clock, _ desk: @escaping @Sendable (Order, Caller) async -> Reply) {
        self.log = log
        self.clock = clock
        self.desk = desk
    }

    package var endpoints: [Endpoint] {
        [
            Endpoint(
                .get, "/api/v1/events", .runsRead,
                "Changes as this instance writes them: run, skip, job, and reset where some are missing.",
                query: [
                    .init("job", "Of this job alone."), .choice("kind", "Of this kind alone.", EventKind.self),
                    .init("after", "The id of the last event that is known, where no Last-Event-ID can be given."),
                ], headers: [.init("Last-Event-ID", "The id of the last event that is known.")], .stream
            ) { call in
                let place = call.headers["last-event-id"] ?? call.query["after"]
                let parts = EventParts(
                    log, clock, job: call.query["job"].map { Job.canonical($0) },
                    kind: try call.choice("kind", EventKind.self), from: number(after: place))
                return .live { parts }
            },
            Endpoint(
                .get, "/api/v1/runs/{id}/tail", .runsRead,
                "What a run writes, as it comes: output, and end once it has ended.",
                query: [.init("from", "Bytes that are left out.", .whole(from: 0))],
                headers: [.init("Last-Event-ID", "The id of the last event that is known: a number of bytes.")], .stream
            ) { call in
                let known = call.headers["last-event-id"].flatMap { Int64($0) }.map { max(0, $0) }
                let from = try known ?? call.number("from", in: 0...Int64.max) ?? 0
                let parts = TailParts(clock, call, desk, from: from)
                // Whether there is such a run at all, and its output here.
                _ = try await parts.run()
                _ = try await parts.output()
                return .live { parts }
            },
        ]
    }

    /// Where a stream goes on: behind a place that this process gave, else from now on; nil where what was between is not known.
    private func number(after place: String?) -> Int64? {
        guard let place, !place.isEmpty else { return log.end }
        let words = place.split(separator: "-", maxSplits: 1)
        // Before the first one it is -1.
        guard words.count == 2, words[0] == log.life, let number = Int64(words[1]), (-1..<Int64.max).contains(number)
        else { return nil }
        return number + 1
    }
}

extension Answer {
    /// Makes an answer of server-sent events.
    fileprivate static func live(
        _ begin: @escaping @Sendable () -> any AsyncIteratorProtocol<[UInt8], any Error> & Sendable
    ) -> Answer {
        var answer = Answer(200)
        answer.type = "text/event-stream"
        // A proxy that collects answers would keep it for ever.
        answer.headers = [("X-Accel-Buffering", "no")]
        answer.isLive = true
        answer.body = .parts(begin)
        return answer
    }
}

extension Endpoint.Success {
    fileprivate static let stream = Self(200, "Events, each as it comes.", type: "text/event-stream")
}

/// Microseconds after which something is said even where nothing happened, so that both sides know of each other.
private let silence: Int64 = 15_000_000

private func event(_ name: String, id: String, _ json: String) -> [UInt8] {
    Array("id: \(id)\nevent: \(name)\ndata: \(json)\n\n".utf8)
}

private let here = Array(": here\n\n".utf8)

/// Changes from a number on.
private struct EventParts<Clock: EngineClock>: AsyncIteratorProtocol, Sendable {
    private let log: EventLog
    private let clock: Clock
    private let job: String?
    private let kind: EventKind?
    /// Of the next event; nil where some are missing.
    private var number: Int64?
    /// When something was written last, by the clock's uptime; nil before the first.
    private var written: Int64?

    /// Events that are written at once.
    private static var most: Int { 500 }

    init(_ log: EventLog, _ clock: Clock, job: String?, kind: EventKind?, from number: Int64?) {
        self.log = log
        self.clock = clock
        self.job = job
        self.kind = kind
        self.number = number
    }

    mutating func next() async throws -> [UInt8]? {
        // Whoever listens knows then that the stream stands.
        if written == nil { return sign() }
        while true {
            try Task.checkCancellation()
            guard let start = number, let (events, next) = log.events(from: start, limit: Self.most) else {
                let end = log.end
                number = end
                written = clock.uptime
                return event("reset", id: "\(log.life)-\(end - 1)", "{}")
            }
            number = next
            var bytes: [UInt8] = []
            for (place, found) in zip(start..., events)
            where (job == nil || found.job == job) && (kind == nil || found.kind == kind) {
                bytes += event(found.kind.rawValue, id: "\(log.life)-\(place)", try found.json)
            }
            if !bytes.isEmpty {
                written = clock.uptime
                return bytes
            }
            if events.isEmpty { await more(at: next) }
            if clock.uptime - (written ?? 0) >= silence { return sign() }
        }
    }

    /// Makes a sign of life, with the place up to which whoever listens has missed nothing.
    private mutating func sign() -> [UInt8] {
        written = clock.uptime
        return Array((number.map { "id: \(log.life)-\($0 - 1)\n" } ?? "").utf8) + here
    }

    /// Waits for an event of this number, or until something is to be said all the same.
    private func more(at number: Int64) async {
        let rest = max(0, silence - (clock.uptime - (written ?? 0)))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [log] in await log.until(number) }
            group.addTask { [clock] in try? await clock.sleep(for: rest) }
            await group.next()
            group.cancelAll()
        }
    }
}

/// What a run writes, from a byte on.
private struct TailParts<Clock: EngineClock>: AsyncIteratorProtocol, Sendable {
    private let clock: Clock
    private let call: Call
    private let desk: @Sendable (Order, Caller) async -> Reply
    private var offset: Int64
    private var isOver = false

    /// Microseconds between two looks: at first, and after some that found nothing.
    private static var paces: ClosedRange<Int64> { 250_000...2_000_000 }

    private struct Output: Encodable {
        var text: String
        /// Bytes up to its end.
        var next: Int64
    }

    init(
        _ clock: Clock, _ call: Call, _ desk: @escaping @Sendable (Order, Caller) async -> Reply, from offset: Int64
    ) {
        self.clock = clock
        self.call = call
        self.desk = desk
        self.offset = offset
    }

    /// Asks for the run. Throws `APIError`.
    func run() async throws -> RunView {
        switch await desk(.run(call["id"]), call.caller) {
        case .runs(let views):
            guard let view = views.first else { throw APIError.unknown("there is no run '\(call["id"])'") }
            return view
        case .failed(let code, let message): throw APIError(code, message)
        default: throw APIError(503, "unavailable", "the run cannot be read")
        }
    }

    /// Asks for what comes next. Throws `APIError`.
    func output() async throws -> [UInt8] {
        switch await desk(.output(run: call["id"], from: offset), call.caller) {
        case .output(let text, _): return Data(base64Encoded: text).map { Array($0) } ?? []
        case .failed(let code, let message): throw APIError(code, message)
        default: throw APIError(503, "unavailable", "the output cannot be read")
        }
    }

    mutating func next() async throws -> [UInt8]? {
        if isOver { return nil }
        var (waited, pace) = (Int64(0), Self.paces.lowerBound)
        while true {
            try Task.checkCancellation()
            var bytes = try await output()
            var whole = bytes.prefix(bytes.count - Self.beginnings(bytes))
            if whole.isEmpty {
                let run = try await run()
                if run.state.isFinal {
                    // What it wrote before its end is there after it.
                    bytes = try await output()
                    if bytes.isEmpty {
                        isOver = true
                        return event("end", id: "\(offset)", try PublicJSON.encode(run))
                    }
                    whole = bytes.prefix(bytes.count - Self.beginnings(bytes))
                    // A character that nobody ends.
                    if whole.isEmpty { whole = bytes[...] }
                }
            }
            if !whole.isEmpty {
                offset += Int64(whole.count)
                let output = Output(text: String(decoding: whole, as: UTF8.self), next: offset)
                return event("output", id: "\(offset)", try PublicJSON.encode(output))
            }
            if waited >= silence { return here }
            try await clock.sleep(for: pace)
            waited += pace
            pace = min(2 * pace, Self.paces.upperBound)
        }
    }

    /// Counts bytes at the end that only begin a character (RFC 3629, section 3).
    private static func beginnings(_ bytes: [UInt8]) -> Int {
        for count in 1..<min(4, bytes.count + 1) {
            let byte = bytes[bytes.count - count]
            if byte & 0xc0 == 0x80 { continue }
            let length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
            return length > count ? count : 0
        }
        return 0
    }
}

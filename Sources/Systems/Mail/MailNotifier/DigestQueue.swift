package import CarillonCore

/// What waits for a mail, and when the mail is due. Times are microseconds of a monotonic count.
package struct DigestQueue: Sendable {
    /// From the first notice to its mail: what fails together is told together.
    package static let gather: Int64 = 3_000_000
    /// Between two mails.
    package static let pause: Int64 = 60_000_000
    /// After a mail that could not be sent, doubling up to `longestRetry`.
    package static let firstRetry: Int64 = 60_000_000
    package static let longestRetry: Int64 = 900_000_000

    private var waiting = NoticeBatch()
    private var first: Int64 = 0
    private var lastSent: Int64?
    private var retryAt: Int64?
    /// How often the mail that waits could not be sent.
    package private(set) var failures = 0

    package init() {}

    package var count: Int { waiting.count }

    /// Adds a notice; true when nothing waited before.
    package mutating func add(_ notice: Notice, at uptime: Int64) -> Bool {
        let isFirst = waiting.isEmpty
        if isFirst { first = uptime }
        waiting.add(notice)
        return isFirst
    }

    /// When the next mail is to go; nil when there is nothing to tell.
    package var due: Int64? {
        if waiting.isEmpty { return nil }
        return max(first + Self.gather, lastSent.map { $0 + Self.pause } ?? .min, retryAt ?? .min)
    }

    /// Adds what an earlier process could not send. True when nothing waited before.
    package mutating func add(_ earlier: NoticeBatch, at uptime: Int64) -> Bool {
        let isFirst = waiting.isEmpty
        if isFirst { first = uptime }
        var all = earlier
        all.append(waiting)
        waiting = all
        return isFirst
    }

    /// What waits, for the store.
    package var batch: NoticeBatch { waiting }

    /// Takes what goes out now; `sent` or `failed` follows.
    package mutating func take() -> NoticeBatch {
        defer { waiting = NoticeBatch() }
        return waiting
    }

    package mutating func sent(at uptime: Int64) {
        lastSent = uptime
        retryAt = nil
        failures = 0
    }

    /// Puts it back; what came meanwhile goes along with it.
    package mutating func failed(_ gathered: NoticeBatch, at uptime: Int64) {
        var all = gathered
        all.append(waiting)
        waiting = all
        retryAt = uptime + min(Self.longestRetry, Self.firstRetry << Int64(min(failures, 10)))
        failures += 1
    }
}

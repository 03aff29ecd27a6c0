public import CarillonCore
public import Logging
public import ServiceLifecycle
import Synchronization
public import Timetable

/// Tells people by mail what the engine tells it: soon after the first notice, then at most once a minute.
///
/// A mail that could not be sent is tried again after a minute, later after up to fifteen, with what came meanwhile. One
/// whose taking the server could not confirm may come twice.
public actor MailNotifier: Service {
    /// Microseconds that a stop of the daemon leaves a mail.
    private static let farewell: Int64 = 10_000_000

    private nonisolated let outbox = Mutex(DigestQueue())
    private nonisolated let occasions: Set<MailOccasion>
    private nonisolated let tellsShortGaps: Bool
    private nonisolated let clock: any EngineClock
    private nonisolated let news: AsyncStream<Void>
    private nonisolated let tell: AsyncStream<Void>.Continuation
    private let sender: any MailSender
    private let host: String
    private let zone: @Sendable (String) async -> Zone?
    private let shelf: Shelf?
    private let logger: Logger
    private let tried: @Sendable (Bool) -> Void
    /// Why the last mail could not be sent.
    private var trouble: String?
    /// Something waits in the shelf that may have been mailed by now.
    private var isShelved = false
    private var hasRemarked = false

    /// Where what could not be sent waits for the next process: a text, or nothing.
    public struct Shelf: Sendable {
        let load: @Sendable () async throws -> String?
        let store: @Sendable (String?) async throws -> Void

        public init(
            load: @escaping @Sendable () async throws -> String?,
            store: @escaping @Sendable (String?) async throws -> Void
        ) {
            self.load = load
            self.store = store
        }
    }

    /// Takes `host`, which stands in the subject; `zone` is that of a job's times, UTC when it answers nil. Times
    /// missed within less than a minute, as a restart misses them of a job of every second, are told only with
    /// `tellsShortGaps`. `tried` hears of each mail whether it went out.
    public init(
        sender: any MailSender, occasions: Set<MailOccasion>, tellsShortGaps: Bool = false, host: String,
        clock: any EngineClock, shelf: Shelf? = nil, logger: Logger,
        tried: @escaping @Sendable (Bool) -> Void = { _ in },
        zone: @escaping @Sendable (String) async -> Zone? = { _ in nil }
    ) {
        self.sender = sender
        self.occasions = occasions
        self.tellsShortGaps = tellsShortGaps
        self.host = host
        self.clock = clock
        self.shelf = shelf
        self.logger = logger
        self.tried = tried
        self.zone = zone
        (news, tell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes a notice and never waits. Beyond some thousands of notices it only counts.
    public nonisolated func notify(_ notice: Notice) {
        guard occasions.contains(notice.occasion) else { return }
        if case .missed(let skip) = notice, skip.isShortGap, !tellsShortGaps { return }
        let uptime = clock.uptime
        if outbox.withLock({ $0.add(notice, at: uptime) }) { tell.yield() }
    }

    /// Says why mail does not go out, and how much of it waits.
    public func health() -> (trouble: String?, waiting: Int) { (trouble, outbox.withLock { $0.count }) }

    public func run() async {
        await takeUp()
        while !isEnding {
            guard let due = outbox.withLock({ $0.due }) else {
                await cancelWhenGracefulShutdown { for await _ in self.news { break } }
                continue
            }
            let wait = due - clock.uptime
            if wait > 0 {
                try? await cancelWhenGracefulShutdown { try await self.clock.sleep(for: wait) }
            } else if await !deliver(), isEnding {
                return await finish()
            }
        }
        _ = await deliver()
        await finish()
    }

    /// Takes up what the last process could not send.
    private func takeUp() async {
        do {
            guard let text = try await shelf?.load() else { return }
            // What another release left may be of a form that this one does not know.
            let batch = try JSONText.decode(NoticeBatch.self, text)
            let uptime = clock.uptime
            _ = outbox.withLock { $0.add(batch, at: uptime) }
            // It stays there until a mail has gone out: this process may be killed before.
            isShelved = true
        } catch {
            logger.warning("what was to be mailed before cannot be read", metadata: ["error": "\(error)"])
        }
    }

    private var isEnding: Bool { Task.isCancelled || Task.isShuttingDownGracefully }

    /// Keeps for the next process what could not be sent.
    private func finish() async {
        let batch = outbox.withLock { $0.batch }
        if batch.isEmpty { return }
        var words = "the daemon stops with notices that were not mailed"
        do {
            if let shelf {
                try await shelf.store(try JSONText.encode(batch))
                words += "; the next one mails them"
            }
        } catch {
            logger.error("what waits for a mail cannot be kept", metadata: ["error": "\(error)"])
        }
        logger.warning("\(words)", metadata: ["count": "\(batch.count)"])
    }

    /// Sends what waits; true when there is nothing of it left.
    private func deliver() async -> Bool {
        let (gathered, failures) = outbox.withLock { ($0.take(), $0.failures) }
        if gathered.isEmpty { return true }
        var digest = Digest(gathered, host: host, failures: failures)
        for job in digest.jobs { digest.zones[job] = await zone(job) }
        do {
            let remark = try await send(digest)
            outbox.withLock { $0.sent(at: clock.uptime) }
            tried(true)
            if isShelved {
                try? await shelf?.store(nil)
                isShelved = false
            }
            if trouble != nil { logger.notice("mail is sent again") }
            trouble = nil
            if let remark, !hasRemarked { logger.warning("a mail was sent, but \(remark)") }
            hasRemarked = remark != nil
            return true
        } catch {
            outbox.withLock { $0.failed(gathered, at: clock.uptime) }
            tried(false)
            if trouble == nil {
                let hope = isEnding ? "" : "; it is tried again"
                logger.warning("a mail cannot be sent\(hope)", metadata: ["error": "\(error)"])
            }
            trouble = "\(error)"
            return false
        }
    }

    /// Sends for as long as the sender needs; when the daemon stops, no longer than `farewell` from then on.
    private func send(_ digest: Digest) async throws -> String? {
        let (sender, clock, now) = (sender, clock, clock.now)
        return try await withThrowingTaskGroup(of: Ending.self) { group in
            group.addTask { .sent(try await sender.send(subject: digest.subject, text: digest.text, at: now)) }
            group.addTask {
                do {
                    try await gracefulShutdown()
                    try await clock.sleep(for: Self.farewell)
                } catch {}
                return .late
            }
            for try await ending in group {
                group.cancelAll()
                if case .sent(let remark) = ending { return remark }
            }
            throw CancellationError()
        }
    }

    private enum Ending: Sendable {
        case sent(String?)
        case late
    }
}

import CarillonCore
import CarillonTestSupport
import Logging
import MailNotifier
import ServiceLifecycle
import Synchronization
import Timetable

/// A notifier that runs, and the hands of a test on its clock.
struct Rig: Sendable {
    let clock = ManualClock(now: Samples.noon)
    let log = LogRecorder()
    let notifier: MailNotifier
    private let group: ServiceGroup

    init(
        _ sender: any MailSender, on occasions: Set<MailOccasion> = [.failed, .missed], shortGaps: Bool = false,
        shelf: MailNotifier.Shelf? = nil
    ) {
        notifier = MailNotifier(
            sender: sender, occasions: occasions, tellsShortGaps: shortGaps, host: "tower", clock: clock,
            shelf: shelf, logger: log.logger)
        group = ServiceGroup(configuration: .init(services: [notifier], logger: LogRecorder().logger))
    }

    /// Runs it while `body` does; then stops it gracefully and waits for its end.
    func serving(_ body: () async throws -> Void) async throws {
        async let run: Void = group.run()
        do {
            try await body()
        } catch {
            await group.triggerGracefulShutdown()
            try? await run
            throw error
        }
        await group.triggerGracefulShutdown()
        try await run
    }

    func stop() async { await group.triggerGracefulShutdown() }

    /// Lets so many seconds pass, once the notifier waits for them.
    func pass(_ seconds: Int64) async {
        await clock.untilSleeping()
        clock.advance(by: seconds * 1_000_000)
    }
}

/// A sender that keeps what it is given, or fails, or hangs.
actor Postbox: MailSender {
    struct Mail: Sendable {
        var subject: String
        var text: String
        var at: Timestamp
    }

    struct Closed: Error, CustomStringConvertible {
        let description = "the postbox is closed"
    }

    private(set) var mails: [Mail] = []
    private(set) var tries = 0
    private var isClosed = false
    private var hangs = false
    private var waiters = Waiters<Int>()

    func close() { isClosed = true }
    func open() { isClosed = false }
    func hang() { hangs = true }

    /// Returns once so many mails were tried.
    func tried(_ count: Int) async {
        if tries >= count { return }
        await waiters.add { $0 >= count }.ended()
    }

    func send(subject: String, text: String, at now: Timestamp) async throws -> String? {
        defer { mark() }
        if hangs {
            mark()
            let (silence, end) = AsyncStream<Void>.makeStream()
            for await _ in silence {}
            end.finish()
            throw CancellationError()
        }
        if isClosed { throw Closed() }
        mails.append(Mail(subject: subject, text: text, at: now))
        return nil
    }

    private func mark() {
        tries += 1
        waiters.wake(tries)
    }
}

/// Every line of a log, with its metadata.
final class LogRecorder: Sendable {
    private let kept = Mutex<[String]>([])

    var lines: [String] { kept.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let data = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
            recorder.kept.withLock { $0.append("\(event.level): \(event.message) \(data)") }
        }
    }
}

extension Notice {
    /// A run of noon that failed.
    static func failure(
        _ job: String, _ number: UInt64 = 1, error: String? = "exit code 3", tail: String? = nil
    ) -> Notice {
        var run = Run(
            id: RunID(second: UInt32(Samples.noon.seconds), hash: number), jobID: JobID(1), job: job, revision: 1,
            trigger: .schedule, scheduledAt: Samples.noon, createdAt: Samples.noon)
        run.state = .failed
        run.outcome = Outcome(exitCode: 3, error: error, outputTail: tail)
        return .failed(run)
    }

    static func miss(_ job: String, seconds: Int64 = 3_600, _ reason: SkipReason = .downtime) -> Notice {
        .missed(
            Skip(
                jobID: JobID(1), job: job, revision: 1, after: Samples.noon.plus(-seconds), through: Samples.noon,
                reason: reason, recordedAt: Samples.noon))
    }

    static func queue(_ job: String) -> Notice {
        .queued(AttemptID(run: RunID(second: 7, hash: 7), attempt: 1), job: job, at: Samples.noon)
    }
}

import CarillonCore
public import CarillonEngine
import Foundation
import NIOCore
import NIOPosix

/// The other end of `ControlServer`.
public struct ControlClient: Sendable {
    /// Nobody listens at the path.
    public struct NoDaemon: Error, CustomStringConvertible {
        public let path: String
        public var description: String { "no daemon answers at \(path)" }
    }

    /// Somebody listens, and says nothing.
    public struct NoAnswer: Error, CustomStringConvertible {
        /// Of the process that listens.
        public let pid: Int32?
        public let seconds: Double
        public var description: String {
            "the daemon\(pid.map { " (pid \($0))" } ?? "") does not answer: not a word within \(Int(seconds.rounded(.up))) s"
        }
    }

    /// The socket is there, and this user may not use it.
    public struct NotAllowed: Error, CustomStringConvertible {
        public let path: String
        public var description: String { "\(path): \(String(cString: strerror(EACCES)))" }
    }

    private let path: String
    /// Microseconds.
    private let patience: Int64

    /// A daemon that gives no sign of life for so many seconds is given up.
    public init(path: String, patience: Double = 5) {
        self.path = path
        self.patience = Int64(patience * 1_000_000)
    }

    /// Gives one order and waits for its reply, however long that takes, as long as the daemon answers another connection
    /// meanwhile. Throws `NoDaemon`, `NoAnswer` and `NotAllowed`.
    public func send(_ order: Order) async throws -> Reply {
        try await withThrowingTaskGroup(of: Reply?.self) { group in
            group.addTask { try await exchange(order) }
            group.addTask {
                try await watch()
                return nil
            }
            defer { group.cancelAll() }
            while let next = try await group.next() {
                if let reply = next { return reply }
            }
            throw NoDaemon(path: path)
        }
    }

    /// Throws `NoAnswer` once the daemon does not answer in time; ends with its task.
    private func watch() async throws {
        let clock = SystemClock()
        while true {
            try await clock.sleep(for: patience / 2)
            let isAlive = try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    _ = try await exchange(.ping)
                    return true
                }
                group.addTask {
                    try await clock.sleep(for: patience / 2)
                    return false
                }
                defer { group.cancelAll() }
                return try await group.next() ?? false
            }
            if !isAlive { throw NoAnswer(pid: await pid(), seconds: Double(patience) / 1_000_000) }
        }
    }

    private static let cut = OrderError(.refused, "the daemon stopped before it answered")

    private func exchange(_ order: Order) async throws -> Reply {
        try await connect().executeThenClose { replies, requests in
            try await requests.write(ByteBuffer(string: try JSONText.encode(order) + "\n"))
            var lines = replies.makeAsyncIterator()
            if let line = try await lines.next() {
                let reply = try JSONText.decode(Reply.self, String(buffer: line))
                guard case .lines(let jobs) = reply else { return reply }
                var bytes: [UInt8] = []
                for _ in 0..<jobs.count {
                    guard let line = try await lines.next() else { throw Self.cut }
                    bytes += line.readableBytesView
                    bytes.append(UInt8(ascii: "\n"))
                }
                return .lines(JobLines(count: jobs.count, last: jobs.last, bytes: bytes))
            }
            try Task.checkCancellation()
            throw Self.cut
        }
    }

    private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            ByteToMessageHandler(LineDecoder(longest: LineDecoder.longestReply)))
                        return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        } catch let error as IOError where error.errnoCode == EACCES || error.errnoCode == EPERM {
            throw NotAllowed(path: path)
        } catch let error as IOError where error.errnoCode == EAGAIN {
            // unix(7): its queue of connections is full.
            throw NoAnswer(pid: nil, seconds: 0)
        } catch {
            throw NoDaemon(path: path)
        }
    }

    /// Asks the kernel who listens: unix(7), SO_PEERCRED.
    private func pid() async -> Int32? {
        guard let channel = try? await connect() else { return nil }
        return try? await channel.executeThenClose { _, _ in
            try await PeerCredentials.of(channel.channel)?.pid
        }
    }
}

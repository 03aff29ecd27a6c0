import Foundation
import Synchronization
import Timetable

/// The real binary in a state directory of its own; what still runs is killed with the fixture.
public final class DaemonFixture: Sendable {
    /// A command's end.
    public struct Result: Sendable {
        public var code: Int32
        public var output: String
        public var error: String
        public var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    public struct NoBinary: Error, CustomStringConvertible {
        public let path: String
        public var description: String { "\(path) is missing; build the package before its tests" }
    }

    public let folder: TemporaryFolder
    public let binary: String
    private let daemon = Mutex<Process?>(nil)
    /// Whether it counts among the fixtures that have daemons.
    private let hasPlace = Mutex(false)
    /// Fixtures with daemons. A user of Linux has 128 instances of inotify(7) by default, and each daemon takes some.
    private static let places = Mutex(24)

    public init() throws {
        folder = try TemporaryFolder()
        // Test bundles and binaries are built side by side.
        let products = (CommandLine.arguments[0] as NSString).deletingLastPathComponent
        let candidates = [products, Bundle.main.bundlePath].map { $0 + "/carillon" }
        guard let found = candidates.first(where: FileManager.default.isExecutableFile) else {
            throw NoBinary(path: candidates[0])
        }
        binary = found
    }

    deinit {
        if hasPlace.withLock({ $0 }) { Self.places.withLock { $0 += 1 } }
        // A test that failed half-way left it running; nobody can wait for it here.
        if let running = daemon.withLock({ $0 }), running.isRunning {
            Foundation.kill(running.processIdentifier, SIGKILL)
        }
    }

    public var state: String { folder.path }
    public var log: String { (try? String(contentsOfFile: state + "/daemon.log", encoding: .utf8)) ?? "" }
    public var processID: Int32? { daemon.withLock { $0?.processIdentifier } }

    /// Returns once there is room for this daemon among those of other tests; what is to happen soon is reckoned from then on.
    public func place() async throws {
        if !hasPlace.withLock({ $0 }) {
            try await CarillonTestSupport.eventually(within: 240, "there is room for another daemon") {
                Self.places.withLock { places in
                    guard places > 0 else { return false }
                    places -= 1
                    return true
                }
            }
            hasPlace.withLock { $0 = true }
        }
    }

    /// Starts the daemon; returns when it is ready.
    public func start(_ arguments: String...) async throws {
        try await place()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = ["serve", "--state-dir", state] + arguments
        let path = state + "/daemon.log"
        if !FileManager.default.fileExists(atPath: path) {
            try Data().write(to: URL(fileURLWithPath: path))
        }
        let file = FileHandle(forWritingAtPath: path)
        file?.seekToEndOfFile()
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        try process.start()
        daemon.withLock { $0 = process }
        let status = try await carillon("status", "--wait", "60")
        guard status.code == 0 else { throw ConformanceFailure(description: "no daemon: \(status.error)\n\(log)") }
    }

    /// Sends SIGKILL; returns when it is gone.
    public func kill() async { _ = await end(SIGKILL) }

    /// Sends SIGTERM; answers the exit code.
    public func stop() async -> Int32 { await end(SIGTERM) }

    private func end(_ signal: Int32) async -> Int32 {
        let running = daemon.withLock { process in
            defer { process = nil }
            return process
        }
        guard let running else { return -1 }
        // A wait for a process blocks its thread: not one of the few that run the tests.
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                if running.isRunning { Foundation.kill(running.processIdentifier, signal) }
                running.awaitEnd()
                continuation.resume(returning: running.terminationStatus)
            }
        }
    }

    /// Runs a command on the fixture's state directory.
    public func carillon(_ arguments: String..., input: String? = nil) async throws -> Result {
        try await carillon(arguments, input: input)
    }

    public func carillon(_ arguments: [String], input: String? = nil) async throws -> Result {
        // A wait for a process blocks its thread: not one of the few that run the tests.
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Swift.Result { try self.carillonBlocking(arguments, input: input) })
            }
        }
    }

    /// Runs a line of the shell in which `$C` is the program and the state directory is the fixture's.
    public func shell(_ line: String) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Swift.Result { try self.blocking("/bin/sh", ["-c", line], ["C": self.binary], input: nil) })
            }
        }
    }

    private func carillonBlocking(_ arguments: [String], input: String?) throws -> Result {
        try blocking(binary, arguments, [:], input: input)
    }

    private func blocking(
        _ program: String, _ arguments: [String], _ variables: [String: String], input: String?
    ) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ["CARILLON_STATE": state, "PATH": "/usr/bin:/bin", "HOME": state].merging(variables) {
            $1
        }
        let (output, error) = (Pipe.unshared(), Pipe.unshared())
        process.standardOutput = output
        process.standardError = error
        let feed = Pipe.unshared()
        process.standardInput = input == nil ? FileHandle.nullDevice : feed
        try process.start()
        if let input {
            try feed.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try feed.fileHandleForWriting.close()
        }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.awaitEnd()
        return Result(code: process.terminationStatus, output: text, error: complaint)
    }

    /// Reads a time in such an object as seconds since 1970; throws for all but RFC 3339 with six digits of fraction.
    public static func seconds(_ value: Any?) throws -> Double {
        guard let text = value as? String, let time = Timestamp(rfc3339: text), time.rfc3339Microseconds == text else {
            throw ConformanceFailure(description: "not a time: \(value ?? "nothing")")
        }
        return Double(time.microseconds) / 1_000_000
    }

    /// Reads the objects that a command with `--json` prints.
    public func objects(_ arguments: String...) async throws -> [[String: Any]] { try await objects(arguments) }

    public func objects(_ arguments: [String]) async throws -> [[String: Any]] {
        return try await carillon(arguments + ["--json"]).lines.map { line in
            guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                throw ConformanceFailure(description: "not an object: \(line)")
            }
            return object
        }
    }

    /// Returns once `condition` holds; throws after so many seconds, with the daemon's log.
    public func eventually(
        within seconds: Double = 20, _ what: String, _ condition: () async throws -> Bool
    ) async throws {
        do {
            try await CarillonTestSupport.eventually(within: seconds, what, condition)
        } catch let failure as ConformanceFailure {
            throw ConformanceFailure(description: "\(failure.description)\n\(log)")
        }
    }
}

import CarillonEngine
import Foundation
import Glibc
import Synchronization

/// The process of a real server, its log in a file; killed with this value, as are the processes it started itself.
public final class ServerProcess: Sendable {
    /// What its failures call it.
    private let name: String
    private let program: String
    private let arguments: [String]
    private let environment: [String: String]?
    private let folder: TemporaryFolder
    /// Ends it with everything saved, whoever is still connected.
    let stopSignal: Int32
    private let process = Mutex<Process?>(nil)

    /// Makes a server, whose `program` runs in `folder`, with the environment of the tests or this one.
    init(
        _ name: String, _ program: String, _ arguments: [String], environment: [String: String]? = nil,
        stopSignal: Int32 = SIGTERM, in folder: TemporaryFolder
    ) {
        self.name = name
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.stopSignal = stopSignal
        self.folder = folder
    }

    deinit {
        // Nobody can wait for it here.
        if let running = process.withLock({ $0 }), running.isRunning {
            Self.signal(SIGKILL, family(of: running))
        }
    }

    /// Lists the server first, so that it starts no more while its children are looked for.
    private func family(of running: Process) -> [pid_t] {
        [running.processIdentifier] + ProcessFamily.children(of: running.processIdentifier)
    }

    private static func signal(_ number: Int32, _ processes: [pid_t]) {
        for process in processes { Glibc.kill(process, number) }
    }

    private var logPath: String { folder.path + "/server.log" }

    /// What it has written so far, over all its starts.
    var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    /// Starts it, also again; returns when it is ready. Throws, with its log, when it ends before that or takes more than
    /// two minutes, plenty for a small server on a busy machine.
    func start(isReady: () async -> Bool) async throws {
        let started = Process()
        started.executableURL = URL(fileURLWithPath: program)
        started.arguments = arguments
        if let environment { started.environment = environment }
        started.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        if !FileManager.default.fileExists(atPath: logPath) { try folder.write("server.log", "") }
        let file = FileHandle(forWritingAtPath: logPath)
        file?.seekToEndOfFile()
        started.standardOutput = file
        started.standardError = file
        started.standardInput = FileHandle.nullDevice
        try started.start()
        process.withLock { $0 = started }
        let end = SystemClock().uptime + 120_000_000
        while started.isRunning, SystemClock().uptime < end {
            if await isReady() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw ConformanceFailure(description: "\(name) does not answer\n\(log)")
    }

    /// Sends a signal that ends it; returns when it is gone, and its children with it.
    func end(_ signal: Int32) async {
        guard let running = process.withLock({ $0 }) else { return }
        // A wait for a process blocks its thread: not one of the few that run the tests.
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                if running.isRunning {
                    let family = self.family(of: running)
                    Self.signal(signal, signal == SIGKILL ? family : [family[0]])
                    Self.signal(SIGCONT, family)
                    running.awaitEnd(within: 60)
                    // They may still hold its memory and its port.
                    for child in family.dropFirst() {
                        for _ in 0..<5000 where ProcessFamily.state(child) != nil { usleep(1000) }
                    }
                }
                continuation.resume()
            }
        }
        process.withLock { $0 = nil }
    }

    /// Sends SIGSTOP; returns when all its threads stand.
    func suspend() async throws {
        guard let running = process.withLock({ $0 }), running.isRunning else { return }
        Glibc.kill(running.processIdentifier, SIGSTOP)
        var news = siginfo_t()
        while waitid(P_PID, id_t(running.processIdentifier), &news, WSTOPPED | WNOHANG) == 0, news.si_signo == 0 {
            try await Task.sleep(for: .milliseconds(1))
        }
        for child in family(of: running).dropFirst() {
            Glibc.kill(child, SIGSTOP)
            while let state = ProcessFamily.state(child), state != "T" { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    func resume() {
        guard let running = process.withLock({ $0 }), running.isRunning else { return }
        Self.signal(SIGCONT, family(of: running))
    }
}

/// A real server on a port of its own, its files in a folder of its own; killed with the fixture.
public protocol ServerFixture: Sendable {
    var process: ServerProcess { get }
    /// Starts it, also again on the same port and files; returns when it answers.
    func start() async throws
}

extension ServerFixture {
    public var log: String { process.log }

    /// Sends SIGKILL, as a crash; returns when it is gone.
    public func kill() async { await process.end(SIGKILL) }

    /// Lets it save what it was told to save; returns when it is gone.
    public func stop() async { await process.end(process.stopSignal) }

    /// Starts it again, after a `stop` when it runs.
    public func restart() async throws {
        await stop()
        try await start()
    }

    /// Sends SIGSTOP: the kernel accepts connections, and nobody is answered. Returns when all its threads stand.
    public func suspend() async throws { try await process.suspend() }

    public func resume() { process.resume() }
}

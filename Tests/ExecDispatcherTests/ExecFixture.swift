import BlockingConnection
import CarillonCore
import CarillonTestSupport
import ExecDispatcher
import Glibc
import Logging
import Testing
import Timetable

/// A state directory of its own, and a FIFO into which its programs note their starts.
actor ExecFixture: DispatcherFixture {
    nonisolated let directory: String
    private nonisolated let fifo: String
    private nonisolated let reader: Int32
    private var noted: [String: Int] = [:]
    private var waiters = Waiters<String>()

    init() throws {
        var template = Array("/tmp/carillon-exec.XXXXXX".utf8CString)
        directory = String(cString: try #require(mkdtemp(&template)))
        fifo = directory + "/starts"
        try #require(mkfifo(fifo, 0o622) == 0)
        // Read and write, so that it neither blocks nor ends.
        let reader = open(fifo, O_RDWR | O_CLOEXEC)
        self.reader = reader
        try #require(access(Self.shim, X_OK) == 0, "there is no shim at \(Self.shim): build the product carillon-shim")
        let (lines, feed) = AsyncStream.makeStream(of: String.self)
        try BlockingThread.start(name: "test-starts") {
            var rest: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while case let count = read(reader, &buffer, buffer.count), count > 0 {
                rest += buffer[..<count]
                while let end = rest.firstIndex(of: 10) {
                    feed.yield(String(decoding: rest[..<end], as: UTF8.self))
                    rest.removeFirst(end + 1)
                }
                if rest.first == 0 { break }
            }
            close(reader)
            feed.finish()
        }
        Task { [self] in
            for await line in lines { await note(line) }
        }
    }

    /// Beside the test bundle, where the build puts it.
    static let shim: String = {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
        guard let bundle, let slash = bundle.lastIndex(of: "/") else { return ShimLocator.path() }
        return bundle[...slash] + ShimLocator.fileName
    }()

    nonisolated func remove() {
        _ = write(reader, [0], 1)
        let line: [String] = ["rm", "-rf", directory]
        var words = line.map { strdup($0) } + [nil]
        var child: pid_t = 0
        posix_spawnp(&child, "rm", nil, nil, &words, environ)
        waitpid(child, nil, 0)
        for word in words { free(word) }
    }

    nonisolated func configuration(_ change: (inout ExecConfiguration) -> Void = { _ in }) -> ExecConfiguration {
        var configuration = ExecConfiguration(
            stateDirectory: directory + "/state", shim: Self.shim,
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "de_DE.UTF-8", "SECRET": "s", "PASSED": "p"])
        change(&configuration)
        return configuration
    }

    nonisolated func make(_ change: (inout ExecConfiguration) -> Void = { _ in }) throws -> ExecDispatcher {
        try ExecDispatcher(configuration(change), logger: .silent) {
            Timestamp(seconds: 1_800_000_000)
        }
    }

    nonisolated func makeDispatcher(capacity: Int) throws -> ExecDispatcher { try make { $0.capacity = capacity } }

    nonisolated func target(_ behaviour: DispatcherBehaviour) -> ExecTarget {
        let note = "echo $CARILLON_RUN_ID-$CARILLON_ATTEMPT > \(fifo)"
        // An empty loop of builtins would burn a processor; a read from a pipe nobody writes to does not.
        let wait = "exec 9<> \(directory)/never; "
        mkfifo(directory + "/never", 0o666)
        return switch behaviour {
        case .succeeds: ExecTarget(.shell(note))
        case .fails: ExecTarget(.shell(note + "; echo out; echo err >&2; exit 3"))
        case .waits: ExecTarget(.shell(wait + note + "; read x <&9"))
        case .defies:
            ExecTarget(.shell(wait + "trap '' TERM; (read x <&9) & (read y <&9) & " + note + "; read z <&9"))
        }
    }

    func ready(_ attempt: AttemptID) async {
        if noted[attempt.description] != nil { return }
        await waiters.add { $0 == attempt.description }.ended()
    }

    func starts(of attempt: AttemptID) -> Int { noted[attempt.description] ?? 0 }

    nonisolated func lose(_ attempt: AttemptID) throws -> Bool {
        // Its first word is `shim`, its second the number.
        let shim = try #require(words(ofStatus: attempt).first { $0.first == "shim" }?.dropFirst().first)
        return kill(try #require(pid_t(shim)), SIGKILL) == 0
    }

    /// The words of each line of an attempt's status file.
    nonisolated func words(ofStatus attempt: AttemptID) -> [[Substring]] {
        text("state/attempts/\(attempt)").split(separator: "\n").map { $0.split(separator: " ") }
    }

    /// A file under the test's directory; empty when there is none.
    nonisolated func text(_ path: String) -> String {
        let file = open(directory + "/" + path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = read(file, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    nonisolated func exists(_ path: String) -> Bool { access(directory + "/" + path, F_OK) == 0 }

    private func note(_ line: String) {
        noted[line, default: 0] += 1
        waiters.wake(line)
    }
}

import CarillonCore
import CarillonTestSupport
import Foundation
import KeijiFeed
import Logging
import Synchronization
import Testing
import Timetable

/// A task goes with its binary and its logs, and nothing else does.
@Suite struct DeletingTests {
    private let folder: TemporaryFolder
    private let tables = Recording()

    init() throws {
        folder = try TemporaryFolder()
        for path in [
            ".keiji/exec/tasks/a.bin", ".keiji/exec/tasks/a_run.bin", ".keiji/exec/tasks/b.bin",
            ".keiji/logs/tasks/a/a.log", ".keiji/logs/tasks/a/a.log.1", ".keiji/logs/tasks/b/b.log", "precious.bin",
        ] { try folder.write(path, "x") }
    }

    private var root: String { folder.path + "/.keiji" }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: folder.path + "/" + path) }

    private func delete(slug: String = "a", executable: String? = nil, log: String? = nil) async throws {
        tables.rows.withLock {
            $0 = [
                KeijiTask(
                    id: "1", name: "a", slug: slug, type: "HMS", scheduleInfo: "{}",
                    executable: executable ?? root + "/exec/tasks/a.bin",
                    logPath: log ?? root + "/logs/tasks/a/a.log")
            ]
        }
        let feed = KeijiFeed(
            tables: tables, folders: KeijiFolders(root: root), zones: ZoneDatabase(), zone: "UTC",
            clock: ManualClock(now: Samples.noon), logger: .silent)
        try await feed.keep(.deleted(0), of: "a")
    }

    @Test func theRowTheBinaryAndTheLogsAreGone() async throws {
        try await delete()
        #expect(tables.deleted.withLock { $0 } == ["a"])
        for path in ["exec/tasks/a.bin", "exec/tasks/a_run.bin", "logs/tasks/a"] { #expect(!exists(".keiji/" + path)) }
        for path in [".keiji/exec/tasks/b.bin", ".keiji/logs/tasks/b/b.log", "precious.bin"] { #expect(exists(path)) }
        // What is gone already is no matter.
        try await delete()
    }

    @Test func nothingOutsideIsTouched() async throws {
        symlink(folder.path, root + "/exec/tasks/out")
        let escapes: [(slug: String, executable: String?, log: String?)] = [
            ("a", folder.path + "/precious.bin", nil), ("a", root + "/exec/tasks/../../../precious.bin", nil),
            ("a", root + "/exec/tasks/out/precious.bin", nil), ("a", nil, folder.path + "/precious.bin"),
            ("..", nil, nil), ("a", "precious.bin", nil), ("a", nil, "precious.bin"), ("a/../b", nil, nil),
            ("", nil, nil),
        ]
        for escape in escapes {
            await #expect(throws: FeedRefusal.self, "\(escape)") {
                try await delete(slug: escape.slug, executable: escape.executable, log: escape.log)
            }
        }
        #expect(tables.deleted.withLock { $0.isEmpty })
        for path in [".keiji/exec/tasks/a.bin", ".keiji/logs/tasks/a/a.log", "precious.bin"] { #expect(exists(path)) }
    }

    /// Somebody swaps a folder and a link to another place, again and again, while tasks are deleted.
    @Test func aLinkThatComesInBetweenLeadsNowhere() async throws {
        let (inside, outside) = (root + "/exec/tasks/d", folder.path + "/outside")
        try FileManager.default.createDirectory(atPath: inside, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
        #expect(symlink(outside, root + "/exec/tasks/link") == 0)
        let swap = """
            import ctypes, itertools
            libc = ctypes.CDLL(None)
            while True: libc.renameat2(-100, b"\(inside)", -100, b"\(root)/exec/tasks/link", 2)
            """
        let swapping = Process()
        swapping.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        swapping.arguments = ["python3", "-c", swap]
        try swapping.start()
        // Threads of the pool block what is gentler, and so do their children.
        defer { kill(swapping.processIdentifier, SIGKILL) }
        for number in 0..<500 {
            let file = "\(number).bin"
            try folder.write("outside/" + file, "precious")
            try? await delete(executable: inside + "/" + file)
            #expect(exists("outside/" + file))
        }
    }
}

/// Rows that a test sets, and what became of them.
final class Recording: KeijiTables {
    let rows = Mutex<[KeijiTask]>([])
    let deleted = Mutex<[String]>([])
    let laid = Mutex<[(name: String, off: KeijiOff?)]>([])
    let states = Mutex<[String: KeijiState]>([:])

    func tasks() async throws -> [KeijiTask] { rows.withLock { $0 } }
    func lay(_ off: KeijiOff?, onTask name: String) async throws { laid.withLock { $0.append((name, off)) } }
    func write(_ new: [String: KeijiState]) async throws { states.withLock { $0.merge(new) { $1 } } }
    func delete(task name: String) async throws { deleted.withLock { $0.append(name) } }
    func close() async {}
}

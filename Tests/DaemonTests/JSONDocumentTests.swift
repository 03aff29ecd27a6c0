import CarillonTestSupport
import Foundation
import Testing

/// docs/json.md: its lines of jq run, and its lists of keys are those that are printed.
@Suite struct JSONDocumentTests {
    private let daemon: DaemonFixture
    private let document: String

    init() throws {
        daemon = try DaemonFixture()
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../docs/json.md")
            .path
        document = try String(contentsOfFile: path, encoding: .utf8)
    }

    private func start() async throws {
        try daemon.folder.write("carillon.toml", "time_zone = \"Europe/Berlin\"\n")
        try daemon.folder.write("jobs.d/bad.toml", "[[job]]\nname = \"bad\"\ncron = \"61 * * * *\"\nshell = \"x\"\n")
        try await daemon.start()
        for arguments in [
            ["backup", "--cron", "0 2 * * *", "--tag", "db", "--", "/bin/echo", "hello"],
            ["fails", "--every", "1h", "--tag", "eu", "--timeout", "5s", "--shell", "exit 3"],
            ["off", "--every", "1s", "--disabled", "--shell", "true"],
        ] {
            let added = try await daemon.carillon(["jobs", "add"] + arguments)
            #expect(added.code == 0, "\(added)")
        }
        #expect(try await daemon.carillon("jobs", "run", "backup", "--wait").code == 0)
        #expect(try await daemon.carillon("jobs", "run", "fails", "--wait").code == 3)
    }

    @Test(.timeLimit(.minutes(5))) func everyLineOfJqRuns() async throws {
        try await start()
        let lines = document.split(separator: "\n").filter { $0.hasPrefix("    carillon ") }.map { $0.dropFirst(4) }
        #expect(lines.count >= 20)
        // Whose answer says that all is well, or that nothing of the sort is there.
        let mayBeEmpty = ["skipReason", "warnings", "severity"]
        for line in lines {
            let result = try await daemon.shell("carillon() { \"$C\" \"$@\"; }; \(line)")
            #expect(result.code == 0 && result.error.isEmpty, "\(line)\n\(result)")
            if !mayBeEmpty.contains(where: line.contains) { #expect(!result.output.isEmpty, "\(line) says nothing") }
        }
        #expect(await daemon.stop() == 0)
    }

    /// The keys in the row of a thing, those in brackets apart.
    private func keys(of thing: String) throws -> Set<String> {
        let row = try #require(document.split(separator: "\n").first { $0.hasPrefix("| \(thing) |") })
        var text = String(row.split(separator: "|")[2])
        while let open = text.lastIndex(of: "("), let close = text[open...].firstIndex(of: ")") {
            text.removeSubrange(open...close)
        }
        return Set(text.split(separator: ";")[0].matches(of: /`([a-zA-Z0-9]+)`/).map { String($0.1) })
    }

    @Test(.timeLimit(.minutes(5))) func theListsOfKeysAreThosePrinted() async throws {
        try await start()
        let many = try await daemon.carillon("operations", "start", "stop", "backup", "--yes")
        #expect(many.code == 0, "\(many)")
        for (thing, command) in [
            ("operation", ["operations", "list"]), ("job", ["jobs", "list"]), ("run", ["runs", "list"]),
            ("feed", ["feeds", "list"]), ("status", ["status"]),
            ("time to come", ["agenda"]), ("reason", ["why", "backup"]), ("order", ["audit"]),
            ("setting", ["config", "show"]), ("store", ["store", "show"]),
            ("time that was missed", ["backfill", "fails", "--from", "3h", "--dry-run"]),
        ] {
            let result = try await daemon.carillon(command + ["--json"])
            let line = try #require(result.lines.first, "\(command): \(result)")
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(Set(object?.keys.map { $0 } ?? []) == (try keys(of: thing)), "\(thing)")
        }
        let job = try #require(try await daemon.objects("jobs", "show", "fails").first)
        #expect(Set((job["policies"] as? [String: Any] ?? [:]).keys) == (try keys(of: "policies")))
        #expect(job["definition"] is [String: Any])
        #expect(await daemon.stop() == 0)
    }
}
